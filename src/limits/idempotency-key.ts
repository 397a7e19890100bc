import { createHmac, hash } from 'node:crypto';
import { Refusal } from '../base/refusal.ts';
import { sealBytes, unsealBytes } from '../base/sealed.ts';
import { KeptAnswer } from './kept-answer.ts';

/** A call as its `Idempotency-Key` is taken for it. */
export interface KeyedCall {
  /** Whose key it is: two principals never meet each other's. */
  principal: string;
  path: string;
  body: Buffer;
}

export const idempotencyKeyHeader = 'idempotency-key';
const maxLength = 255;
/** A String of Structured Fields (RFC 9651, 3.3.3). */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
/** As nearly all clients send it. Neither a quote nor a comma: that would be a list, or two headers that were joined. */
const bare = /^[!#-+\--~]+$/;

const idLength = 24;
const purpose = 'tollgate kept answer';

/**
 * The `Idempotency-Key` of a call (draft-ietf-httpapi-idempotency-key-header-07). The store knows it by a hash. What is kept
 * for it, and the fingerprint of the call, are made with the key itself, so whoever reads the store learns nothing of the
 * call.
 */
export class IdempotencyKey {
  /** By which the store knows it. */
  readonly id: string;
  /** Of the call: its path and its body as it was sent. */
  readonly fingerprint: string;
  readonly #secret: string;

  constructor(text: string, { principal, path, body }: KeyedCall) {
    this.#secret = `${principal}\n${text}`;
    this.id = hash('sha256', this.#secret, 'base64url').slice(0, idLength);
    const fingerprint = createHmac('sha256', this.#secret).update(`${path}\n`).update(body);
    this.fingerprint = fingerprint.digest('base64url').slice(0, idLength);
  }

  /** The answer as the store keeps it. */
  seal(answer: KeptAnswer): string {
    return sealBytes({ secret: this.#secret, purpose }, answer.packed());
  }

  /** The answer that was kept; null if it cannot be read. */
  async unseal(sealed: string): Promise<KeptAnswer | null> {
    try {
      return await KeptAnswer.unpacked(unsealBytes({ secret: this.#secret, purpose }, sealed));
    } catch {
      return null;
    }
  }
}

/** Reads the header: a String of Structured Fields, or the same text without quotes. */
export function idempotencyKeyOf(header: string, call: KeyedCall): IdempotencyKey | Refusal {
  const inQuotes = quoted.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const text = inQuotes ?? (bare.test(header) ? header : '');
  return text === '' || text.length > maxLength ? malformed() : new IdempotencyKey(text, call);
}

function malformed(): Refusal {
  const message = `Idempotency-Key must be one text of 1 to ${maxLength} visible ASCII characters, with or without quotes around it: a UUID, say.`;
  return new Refusal('invalid_request', message, { param: idempotencyKeyHeader });
}
