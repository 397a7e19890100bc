import { promisify } from 'node:util';
import { deflateRawSync, inflateRaw } from 'node:zlib';

const inflated = promisify(inflateRaw);
/** Nearly as small as the usual one, in a quarter of the time: settlements wait for it. */
const compression = { level: 1 };

/** The largest body of an answer that is kept. */
export const maxKeptBytes = 65_536;
/** Its head is a few hundred bytes. */
const maxPackedBytes = 2 * maxKeptBytes;

interface Head {
  status: number;
  /** Of the answer itself, a flat list; none of the request's, such as its id. */
  headers: readonly string[];
}

/** The answer to a call with an Idempotency-Key, as the next call with that key gets it. */
export class KeptAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;

  constructor({ status, headers }: Head, body: Buffer) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** With more headers, a flat list. */
  with(headers: readonly string[]): KeptAnswer {
    return new KeptAnswer({ status: this.status, headers: [...this.headers, ...headers] }, this.body);
  }

  /** As bytes: the head as a line of JSON, then the body. Compressed, since a stream says little in many bytes. */
  packed(): Buffer {
    const head = JSON.stringify({ status: this.status, headers: this.headers });
    return deflateRawSync(Buffer.concat([Buffer.from(`${head}\n`), this.body]), compression);
  }

  /** Inflated off the main thread: it may be asked for often. Rejects if the bytes are something else. */
  static async unpacked(bytes: Buffer): Promise<KeptAnswer> {
    const all = await inflated(bytes, { maxOutputLength: maxPackedBytes });
    const end = all.indexOf('\n');
    // It was sealed here, so it is what `packed` wrote.
    const head = JSON.parse(all.toString('utf8', 0, end)) as Head;
    return new KeptAnswer(head, all.subarray(end + 1));
  }
}
