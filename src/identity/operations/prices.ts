import { dayMs } from '../../base/days.ts';
import type { ModelKind } from '../../base/model.ts';
import { type PricePart, priceParts } from '../../base/price.ts';
import { invalidBody, type Problem, Refusal } from '../../base/refusal.ts';
import type { Catalogue } from '../../config/catalogue.ts';
import { partsOfKind } from '../../config/catalogue-prices.ts';
import { type ModelPrice, noPrices, type StartingPrice } from '../records/model-price.ts';
import type { PriceChange } from '../schemas/requests.ts';
import { type PriceStore, recordIn } from '../store/price-store.ts';
import { type Precondition, unmet } from './precondition.ts';
import { maxAttempts, tooManyChanges } from './records.ts';
import { tooLarge } from './record-size.ts';

/** What operations on prices need. */
export interface PriceDeps {
  prices: Pick<PriceStore, 'all' | 'read' | 'replace'>;
  catalogue: Pick<Catalogue, 'kind' | 'models' | 'prices' | 'aliases'>;
  /** The store's clock, which says what price is in force; ms. */
  storeNowMs: () => Promise<number>;
  /** Called after a change, so that it counts in this process at once. */
  pricesChanged: () => Promise<void>;
}

/** The prices that were set of a model; without any if there are none. A 404 if nobody knows the model. */
export async function getPrices(deps: PriceDeps, model: string): Promise<ModelPrice | Refusal> {
  const text = await deps.prices.read(model);
  const isKnown = text !== null || deps.catalogue.kind(model) !== null;
  return isKnown ? recordIn(text, model) : unknownModel(deps, model);
}

/**
 * Sets the prices of a model that are to come, and one that begins now. Those that have begun stay: requests under way
 * cost what they did when they were admitted. Of two changes at once neither is lost.
 */
export async function setPrices(
  deps: PriceDeps,
  model: string,
  { asked, precondition }: { asked: PriceChange; precondition: Precondition },
): Promise<ModelPrice | Refusal> {
  const kind = deps.catalogue.kind(model);
  if (kind === null) return unknownModel(deps, model);
  const wrong = asked.prices.flatMap((price, n) => wrongParts(kind, price, `prices.${n}`));
  if (wrong.length > 0) return invalidBody(wrong);
  const nowMs = await deps.storeNowMs();
  return change(deps, { model, precondition }, (before) => withPrices(before, asked, nowMs));
}

/** Takes all prices back that were set of a model, so that the catalogue's count again. */
export async function clearPrices(
  deps: PriceDeps,
  model: string,
  precondition: Precondition,
): Promise<Refusal | null> {
  const done = await change(deps, { model, precondition }, (before) =>
    before.prices.length === 0 ? nothingSet(deps, model) : noPrices(model),
  );
  return done instanceof Refusal ? done : null;
}

/** Changes a record unless somebody else does meanwhile; then it begins anew. One without prices is deleted. */
async function change(
  { prices, pricesChanged }: PriceDeps,
  { model, precondition }: { model: string; precondition: Precondition },
  next: (before: ModelPrice) => ModelPrice | Refusal,
): Promise<ModelPrice | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await prices.read(model);
    const before = recordIn(text, model);
    const after = unmet(precondition, before) ?? next(before);
    if (after instanceof Refusal) return after;
    const large = tooLarge(after, before);
    if (large) return large;
    const written = after.prices.length === 0 ? null : JSON.stringify(after);
    if (written === text) return after;
    if ((await prices.replace(model, text, written)) === 'replaced') {
      await pricesChanged();
      return after;
    }
  }
  return tooManyChanges('The prices are');
}

/** The record with what was asked for; a 400 if a price should begin in the past. Pure. */
export function withPrices(
  before: ModelPrice,
  { prices: asked }: PriceChange,
  nowMs: number,
): ModelPrice | Refusal {
  const begun = before.prices.filter(({ from }) => Date.parse(from) <= nowMs);
  const isKept = (price: { from?: string | undefined }): boolean => begun.some((each) => isSame(each, price));
  const isPast = ({ from }: { from?: string | undefined }): boolean =>
    from !== undefined && Date.parse(from) <= nowMs;
  const late = asked.flatMap((price, n) =>
    isPast(price) && !isKept(price) ? [tooLate(`prices.${n}.from`)] : [],
  );
  if (late.length > 0) return invalidBody(late);
  const now = new Date(nowMs).toISOString();
  const added = asked
    .filter((price) => !isKept(price))
    .map(({ from = now, ...parts }) => ({ from, ...parts }));
  const replaced = new Set(added.map(({ from }) => from));
  const all = [...begun.filter(({ from }) => !replaced.has(from)), ...added].toSorted((a, b) =>
    a.from < b.from ? -1 : 1,
  );
  return { id: before.id, prices: all.filter((_, n) => !isOver(all[n + 1], nowMs)) };
}

/** Whether a price is of no use any more, since the next one began a day ago: no request is under way for so long. */
function isOver(next: StartingPrice | undefined, nowMs: number): boolean {
  return next !== undefined && Date.parse(next.from) <= nowMs - dayMs;
}

function isSame(stored: StartingPrice, asked: { from?: string | undefined }): boolean {
  return (['from', ...priceParts] as const).every((name) => read(stored, name) === read(asked, name));
}

function read(price: Partial<Record<PricePart | 'from', unknown>>, name: PricePart | 'from'): unknown {
  return price[name];
}

function tooLate(param: string): Problem {
  const message = `${param} must be in the future: what requests have cost stays as it is. Leave it out to begin now.`;
  return { param, message };
}

/** What a price of this kind of model lacks, and what it may not have. */
function wrongParts(
  kind: ModelKind,
  price: Partial<Record<PricePart, number | undefined>>,
  path: string,
): Problem[] {
  const { needed, optional } = partsOfKind[kind];
  return priceParts.flatMap((part) => {
    const param = `${path}.${part}`;
    const isGiven = price[part] !== undefined;
    if (needed.includes(part) && !isGiven) return [{ param, message: `${param} is required for ${kind}.` }];
    if (!isGiven || needed.includes(part) || optional.includes(part)) return [];
    return [
      { param, message: `${param} is not for ${kind}, which has ${[...needed, ...optional].join(', ')}.` },
    ];
  });
}

/** Does not repeat what may be any text, unless it is an alias. */
function unknownModel({ catalogue }: PriceDeps, model: string): Refusal {
  const real = catalogue.aliases.get(model);
  if (real !== undefined)
    return new Refusal('not_found', `${model} is an alias: prices are those of ${real}.`);
  return new Refusal(
    'not_found',
    'There is no such model in the catalogue (config/models.json, or the file that MODELS_FILE names): add it there first.',
  );
}

function nothingSet(deps: PriceDeps, model: string): Refusal {
  if (deps.catalogue.kind(model) === null) return unknownModel(deps, model);
  return new Refusal('not_found', `No price of ${model} was set here; those of the catalogue count.`);
}
