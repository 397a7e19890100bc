import type { Ending } from '../base/outcome.ts';
import type { Refusal } from '../base/refusal.ts';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import type { UpstreamHead } from './reply.ts';
import { upstreamTrouble } from '../upstream/upstream-error.ts';

const maxBytes = 65_536;

/** An answer of the upstream that is not passed on: its beginning is collected, to say what was wrong. */
export class ErrorAnswer {
  readonly #status: number;
  readonly #contentType: string;
  readonly #chunks: Buffer[] = [];
  /** What is kept of it. */
  bytes = 0;

  constructor({ status, contentType }: Pick<UpstreamHead, 'status' | 'contentType'>) {
    this.#status = status;
    this.#contentType = contentType;
  }

  /** Whether there is enough of it. */
  collect(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
    return this.bytes >= maxBytes;
  }

  /** What the caller gets, and who pays. */
  trouble({ attachment, retryAfterMs }: UpstreamCall): { refusal: Refusal; ending: Ending } {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    const contentType = this.#contentType;
    return upstreamTrouble({ status: this.#status, contentType, retryAfterMs, text, attachment });
  }
}
