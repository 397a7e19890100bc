import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRawSync, inflateRaw } from 'node:zlib';
import { sealBytes, unsealBytes } from '../base/sealed.ts';
import type { JsonObject } from '../base/request.ts';
import { maxKeptBytes } from './kept-answer.ts';

const inflated = promisify(inflateRaw);
const compression = { level: 1 };
const purpose = 'tollgate response items';
const idLength = 24;

/** The most that the sealed items of one response take, in base64url. */
export const maxSealedBytes = Math.ceil((maxKeptBytes + 1_024) * (4 / 3));

/**
 * The key to the items of a response. It takes the random part of the response's id, and whose response it is: the store
 * knows a hash of both, and cannot read what it keeps.
 */
export class ResponseKey {
  /** By which the store knows it. */
  readonly id: string;
  readonly #secret: string;

  /** `principal`: whose response it is. `random`: what ids of the response and its items have in common, 128 bits. */
  constructor(principal: string, random: string) {
    this.#secret = `${principal}\n${random}`;
    this.id = hash('sha256', `items\n${this.#secret}`, 'base64url').slice(0, idLength);
  }

  /** The items as the store keeps them; null if they are too large for that. */
  seal(items: readonly object[]): KeptItems | null {
    const bytes = Buffer.from(JSON.stringify(items));
    if (bytes.length > maxKeptBytes) return null;
    const sealed = sealBytes({ secret: this.#secret, purpose }, deflateRawSync(bytes, compression));
    return new KeptItems(this.id, sealed);
  }

  /** The items that were kept; none if they cannot be read. Inflated off the main thread. */
  async unseal(sealed: string): Promise<readonly JsonObject[]> {
    try {
      const bytes = unsealBytes({ secret: this.#secret, purpose }, sealed);
      const text = await inflated(bytes, { maxOutputLength: maxKeptBytes });
      return JSON.parse(text.toString('utf8')) as JsonObject[]; // it was sealed here, so it is what `seal` wrote
    } catch {
      return [];
    }
  }
}

/** The items of a response, sealed. */
export class KeptItems {
  readonly id: string;
  readonly sealed: string;

  constructor(id: string, sealed: string) {
    this.id = id;
    this.sealed = sealed;
  }
}
