import { z } from 'zod';
import { inPath } from '../base/fields.ts';
import { type ModelKind, modelKinds, type RealModel } from '../base/model.ts';
import type { Price } from '../base/price.ts';
import { allFrames, type Frames, parsedJson } from '../base/request.ts';
import { checkFile } from './file-problems.ts';
import { readTextFile } from './text-file.ts';
import { dropField, type ModelNeeds, needsOf } from './model-needs.ts';
import { type DatedPrice, datedPrices, priceAt, priceField } from './catalogue-prices.ts';

/** What is known about models. A model that is not in it is allowed if an attachment serves it. */
export interface Catalogue {
  /** The most output tokens a model gives; null if unknown. */
  maxOutputTokens(model: string): number | null;
  /** What a model costs at a moment. Null if any part of the price is unknown: the model is then unpriced, not free. */
  price(model: string, atMs: number): Price | null;
  /** The prices of a model, the latest first. */
  prices(model: string): readonly DatedPrice[];
  /** Null for a model that is not in the catalogue. */
  kind(model: string): ModelKind | null;
  /** The model that may answer if no attachment of this one does; null: none. */
  fallback(model: string): string | null;
  /** The most output tokens, if a request that asks for more is refused rather than lowered; null otherwise. */
  refusesOver(model: string): number | null;
  /** How a request must be changed so that a model takes it; null if nothing is known of that. */
  needs(model: string): ModelNeeds | null;
  /** The shape of its streams' frames; null: as they come. */
  frames(model: string): Frames | null;
  /** Ids, in the file's order. */
  models(): string[];
  /** The model an id stands for: itself, unless it is an alias. */
  readonly real: RealModel;
  /** Alias → the model it stands for. */
  readonly aliases: ReadonlyMap<string, string>;
}

type CatalogueResult = { ok: true; catalogue: Catalogue } | { ok: false; problems: string[] };

const comment = z.string().optional();
/** Far more than any model writes; a slip of the operator's must not spoil the ledger's sums. */
const maxCataloguedTokens = 10_000_000;

const shared = {
  $comment: comment,
  price: priceField.optional(),
  fallback: z.string().optional(),
  drop: dropField,
};
const kinds = Object.keys(modelKinds) as ModelKind[];
const otherKinds = kinds.filter((kind) => kind !== 'chat');
const model = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      ...shared,
      kind: z.literal('chat'),
      max_tokens: z.int().positive().max(maxCataloguedTokens).optional(),
      over_max: z.enum(['lower', 'refuse']).optional(),
      frames: z.enum(allFrames).optional(),
      one_of: z
        .tuple([z.literal('temperature'), z.literal('top_p')], 'expected ["temperature","top_p"]')
        .optional(),
    }),
    z.strictObject({ ...shared, kind: z.enum(otherKinds) }),
  ],
  {
    // Covers both a model that is not an object and a model whose kind is unknown.
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? `expected one of ${kinds.join(', ')}`
        : 'expected an object such as {"kind":"chat"}',
  },
);

const modelId = inPath(
  z.string().regex(/^[A-Za-z0-9._:/-]{1,128}$/, {
    error: 'expected at most 128 of the characters A-Z a-z 0-9 . _ : / -',
  }),
);
const catalogueFile = z
  .strictObject({
    $comment: comment,
    aliases: z.record(modelId, modelId).optional(),
    models: z.record(modelId, model),
  })
  .superRefine(({ aliases = {}, models }, context) => {
    for (const [alias, target] of Object.entries(aliases)) {
      const problem = aliasProblem(alias, target, { aliases, models });
      if (problem) context.addIssue({ code: 'custom', path: ['aliases', alias], message: problem });
    }
  });

/** One step only, so the file shows directly what an alias stands for. */
function aliasProblem(
  alias: string,
  target: string,
  { aliases, models }: { aliases: object; models: object },
): string | null {
  if (Object.hasOwn(models, alias)) return 'expected a name that is not a model of this file';
  return Object.hasOwn(aliases, target) ? 'expected the id of a model, not another alias' : null;
}

/** Loads and checks the catalogue. Reports all problems at once, each with its path inside the file. */
export function loadCatalogue(file: string): CatalogueResult {
  const read = readTextFile(file);
  return 'problem' in read ? failure([read.problem]) : parseCatalogue(read.text);
}

/** The same for the file's text. Pure. */
export function parseCatalogue(text: string): CatalogueResult {
  const value = parsedJson(text);
  if (value === undefined) return failure(['expected a JSON file']);
  const parsed = checkFile(catalogueFile, value);
  if (!parsed.ok) return failure(parsed.problems);
  const wrong = fallbackProblems(parsed.data.models);
  if (wrong.length > 0) return failure(wrong);
  // A Map: ids are callers' text, and an object would also have `constructor`.
  const models = new Map(Object.entries(parsed.data.models));
  const prices = new Map<string, readonly DatedPrice[]>();
  for (const [id, { kind, price = [] }] of models) prices.set(id, datedPrices(kind, price));
  const aliases = new Map(Object.entries(parsed.data.aliases ?? {}));
  const needs = new Map([...models].map(([id, found]) => [id, needsOf(found)]));
  const catalogue: Catalogue = {
    maxOutputTokens(id) {
      const found = models.get(id);
      return found?.kind === 'chat' ? (found.max_tokens ?? null) : null;
    },
    price: (id, atMs) => priceAt(prices.get(id) ?? none, atMs),
    prices: (id) => prices.get(id) ?? none,
    kind: (id) => models.get(id)?.kind ?? null,
    fallback: (id) => models.get(id)?.fallback ?? null,
    refusesOver(id) {
      const found = models.get(id);
      return found?.kind === 'chat' && found.over_max === 'refuse' ? (found.max_tokens ?? null) : null;
    },
    needs: (id) => needs.get(id) ?? null,
    frames(id) {
      const found = models.get(id);
      return found?.kind === 'chat' ? (found.frames ?? null) : null;
    },
    models: () => [...models.keys()],
    real: (id) => aliases.get(id) ?? id,
    aliases,
  };
  return { ok: true, catalogue };
}

const none: readonly never[] = [];

/** A fallback is another model of the file, of the same kind. Its own fallback is not followed. */
function fallbackProblems(models: Readonly<Record<string, z.infer<typeof model>>>): string[] {
  return Object.entries(models).flatMap(([id, { kind, fallback }]) => {
    if (fallback === undefined) return [];
    const other = Object.hasOwn(models, fallback) ? models[fallback] : undefined;
    if (other?.kind === kind && fallback !== id) return [];
    return [`models.${id}.fallback: expected another model of this file, of kind ${kind}`];
  });
}

function failure(problems: string[]): CatalogueResult {
  return { ok: false, problems: problems.map((problem) => `MODELS_FILE: ${problem}.`) };
}
