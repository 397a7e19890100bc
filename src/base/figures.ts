/** What is measured of a request, and where it is shown. */
interface Figure {
  /** In `Charge`, `Usage` and the records of the ledger. */
  field: string;
  /** In answers, reports and the access log. */
  name: string;
  /** In the API's schema. */
  description: string | null;
  /** Whether tables in a terminal, which must fit 80 columns, have a column for it. */
  inTerminal: boolean;
  /** The Prometheus counter that sums it by model, and its `direction` label. */
  counter: { family: 'tokens' | 'cached_tokens'; direction: string } | { family: 'images' } | null;
}

/**
 * Every figure of a request, in the order in which the store keeps them: append only. Types, stored texts, totals,
 * reports, log and metrics are made from this table (docs/decisions/0012). Prices and limits are not: they are formulas
 * over figures, in `price.ts` and `limits/grant.ts`.
 */
export const figures = [
  {
    field: 'inputTokens',
    name: 'input_tokens',
    description: null,
    inTerminal: true,
    counter: { family: 'tokens', direction: 'input' },
  },
  {
    field: 'outputTokens',
    name: 'output_tokens',
    description: null,
    inTerminal: true,
    counter: { family: 'tokens', direction: 'output' },
  },
  { field: 'images', name: 'images', description: null, inTerminal: true, counter: { family: 'images' } },
  {
    field: 'searchUnits',
    name: 'search_units',
    description: 'What a rerank is billed in.',
    inTerminal: false,
    counter: null,
  },
  {
    field: 'cacheReadTokens',
    name: 'cache_read_tokens',
    description: "The part of input_tokens that was read from the upstream's prompt cache.",
    inTerminal: false,
    counter: { family: 'cached_tokens', direction: 'read' },
  },
  {
    field: 'cacheWriteTokens',
    name: 'cache_write_tokens',
    description: "The part of input_tokens that was written to the upstream's prompt cache.",
    inTerminal: false,
    counter: { family: 'cached_tokens', direction: 'write' },
  },
] as const satisfies readonly Figure[];

export type FigureField = (typeof figures)[number]['field'];
export type FigureName = (typeof figures)[number]['name'];
export type Figures = Record<FigureField, number>;
export type NamedFigures = Record<FigureName, number>;

export const figureFields: readonly FigureField[] = figures.map(({ field }) => field);

export const noFigures: Readonly<Figures> = eachField(() => 0);

export const noNamedFigures = Object.fromEntries(figures.map(({ name }) => [name, 0])) as NamedFigures; // has every name

/**
 * The figures that `some` has, the others of `all`. By name, and not by a loop over the table: that takes three times as
 * long, and every request is charged and written. The type asks for every figure.
 */
export function filledFigures(some: Readonly<Partial<Figures>> | null, all: Readonly<Figures>): Figures {
  return {
    inputTokens: some?.inputTokens ?? all.inputTokens,
    outputTokens: some?.outputTokens ?? all.outputTokens,
    images: some?.images ?? all.images,
    searchUnits: some?.searchUnits ?? all.searchUnits,
    cacheReadTokens: some?.cacheReadTokens ?? all.cacheReadTokens,
    cacheWriteTokens: some?.cacheWriteTokens ?? all.cacheWriteTokens,
  };
}

/** One value for each figure. */
export function eachField<Value>(
  valueOf: (figure: (typeof figures)[number]) => Value,
): Record<FigureField, Value> {
  const values = Object.fromEntries(figures.map((figure) => [figure.field, valueOf(figure)]));
  return values as Record<FigureField, Value>; // has every field
}

/** The figures under the names that callers see. */
export function namedFigures(of: Readonly<Figures>): NamedFigures {
  const named = { ...noNamedFigures };
  for (const { field, name } of figures) named[name] = of[field];
  return named;
}
