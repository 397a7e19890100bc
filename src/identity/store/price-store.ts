import { randomBytes } from 'node:crypto';
import { AuditedStore, changeOf } from '../../audit/audit.ts';
import { parsedJson } from '../../base/request.ts';
import { loadScript } from '../../store/script.ts';
import { type ModelPrice, modelPriceFields, noPrices, pricesEpoch } from '../records/model-price.ts';

const replacePrice = loadScript(new URL('./replace_price.lua', import.meta.url));
const deletePrice = loadScript(new URL('./delete_price.lua', import.meta.url));

/**
 * The prices that the API has set, by model. Each change is one script, which writes its audit entry too. Methods reject
 * with `StoreUnavailable`.
 */
export class PriceStore extends AuditedStore {
  /** Of all models, ordered by id. */
  async all(): Promise<ModelPrice[]> {
    const records = await this.store.attempt((client) => client.hgetall(this.keys.prices));
    return Object.entries(records)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([model, text]) => recordIn(text, model))
      .filter(({ prices }) => prices.length > 0);
  }

  /** The text of a model's record, or null. */
  read(model: string): Promise<string | null> {
    return this.store.attempt((client) => client.hget(this.keys.prices, model));
  }

  /** Replaces a record if its text is still `expected` (null: none); `next` null deletes it, also in a full store. */
  async replace(
    model: string,
    expected: string | null,
    next: string | null,
  ): Promise<'replaced' | 'conflict'> {
    const reply = await this.changes.run(next === null ? deletePrice : replacePrice, {
      keys: [this.keys.prices, this.keys.epochs],
      args: [model, expected ?? '', next ?? '', pricesEpoch, randomBytes(12).toString('base64url')],
      change: changeOf({ kind: 'price', team: null, id: model }, expected, next),
    });
    return reply === 1 ? 'replaced' : 'conflict';
  }
}

/** A model's record from its text; without prices if there is none, or somebody has altered it so that it cannot be read. */
export function recordIn(text: string | null, model: string): ModelPrice {
  const read = modelPriceFields.safeParse(text === null ? null : parsedJson(text));
  return read.success ? read.data : noPrices(model);
}
