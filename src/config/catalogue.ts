import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { nanoUsdPerUsd, type Price } from '../core/price.ts';

export type ModelKind = 'chat' | 'embeddings' | 'images' | 'rerank';

/** What is known of the models. One that is not in it is allowed where an attachment serves it. */
export interface Catalogue {
  /** The most output tokens a model gives; null where unknown. */
  maxOutputTokens(model: string): number | null;
  /** What a model costs; null where that is not known for all it is paid for: unpriced, not free. */
  price(model: string): Price | null;
  /** Null for a model that is not in the catalogue. */
  kind(model: string): ModelKind | null;
  /** Ids, in the file's order. */
  models(): string[];
}

export type CatalogueResult = { ok: true; catalogue: Catalogue } | { ok: false; problems: string[] };

const comment = z.string().optional();
const amount = z.number().nonnegative().optional();

/** US dollars. A model without a price is unpriced, not free. */
const price = z.strictObject({
  usd_per_million_input_tokens: amount,
  usd_per_million_output_tokens: amount,
  usd_per_image: amount,
  usd_per_search: amount,
});

const shared = { $comment: comment, price: price.optional() };
const model = z.discriminatedUnion('kind', [
  z.strictObject({ ...shared, kind: z.literal('chat'), max_tokens: z.int().positive().optional() }),
  z.strictObject({ ...shared, kind: z.literal('embeddings') }),
  z.strictObject({ ...shared, kind: z.literal('images') }),
  z.strictObject({ ...shared, kind: z.literal('rerank') }),
]);

const modelId = z.string().regex(/^[A-Za-z0-9._:/-]{1,128}$/, {
  error: 'expected at most 128 of the characters A-Z a-z 0-9 . _ : / -',
});
const catalogueFile = z.strictObject({ $comment: comment, models: z.record(modelId, model) });

/** Loads and checks the catalogue; every problem at once, naming its path inside the file. */
export function loadCatalogue(file: string): CatalogueResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return failure(['expected the path of a file that can be read']);
  }
  return parseCatalogue(text);
}

/** The same for a text at hand. Pure. */
export function parseCatalogue(text: string): CatalogueResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failure(['expected a file of JSON']);
  }
  const parsed = catalogueFile.safeParse(value);
  if (!parsed.success) return failure(parsed.error.issues.map(describeIssue));
  // A Map, since the ids asked for are callers' text and an object would also answer to `constructor`.
  const models = new Map(Object.entries(parsed.data.models));
  const catalogue: Catalogue = {
    maxOutputTokens(id) {
      const found = models.get(id);
      return found?.kind === 'chat' ? (found.max_tokens ?? null) : null;
    },
    price: (id) => priceOf(models.get(id)),
    kind: (id) => models.get(id)?.kind ?? null,
    models: () => [...models.keys()],
  };
  return { ok: true, catalogue };
}

const free: Price = { inputNanoUsd: 0, outputNanoUsd: 0, imageNanoUsd: 0, searchNanoUsd: 0 };

function priceOf(found: z.infer<typeof model> | undefined): Price | null {
  if (!found?.price) return null;
  const {
    usd_per_million_input_tokens: input,
    usd_per_million_output_tokens: output,
    usd_per_image: image,
    usd_per_search: search,
  } = found.price;
  switch (found.kind) {
    case 'chat':
      return input === undefined || output === undefined
        ? null
        : { ...free, inputNanoUsd: aToken(input), outputNanoUsd: aToken(output) };
    case 'embeddings':
      return input === undefined ? null : { ...free, inputNanoUsd: aToken(input) };
    case 'images':
      return image === undefined ? null : { ...free, imageNanoUsd: Math.round(image * nanoUsdPerUsd) };
    case 'rerank':
      return search === undefined ? null : { ...free, searchNanoUsd: Math.round(search * nanoUsdPerUsd) };
  }
}

/** Of a token, from dollars a million: to the millionth of a nano-dollar. */
function aToken(usdPerMillion: number): number {
  return Math.round(usdPerMillion * nanoUsdPerUsd) / 1_000_000;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  const inner = issue.code === 'invalid_key' ? issue.issues.map((each) => each.message).join('; ') : '';
  return `${path}${inner || issue.message}`;
}

function failure(problems: string[]): CatalogueResult {
  return { ok: false, problems: problems.map((problem) => `MODELS_FILE: ${problem}.`) };
}
