import { type Dispatcher, Pool } from 'undici';
import type { Attachment } from '../core/attachment.ts';

/** An attachment with its connections. */
export interface Upstream {
  attachment: Attachment;
  /** What the path of the base URL puts before `/v1`. */
  pathPrefix: string;
  pool: Dispatcher;
}

export const connectTimeoutMs = 5_000;
/** Of an answer: far more than any has, since an answer that is not read is paid for all the same. */
const maxHeaderBytes = 128 * 1024;

/** Connections to every attachment, and which of them serves a model (contract 1.2). */
export class Upstreams {
  readonly #all: readonly Upstream[];
  readonly #ofModel = new Map<string, Rota>();
  readonly #ofAnyModel = new Rota();

  constructor(attachments: readonly Attachment[]) {
    this.#all = attachments.map((attachment) => {
      const { origin, pathname } = new URL(attachment.baseUrl);
      return { attachment, pathPrefix: pathname.replace(/\/$/, ''), pool: connect(origin) };
    });
    for (const upstream of this.#all) this.#enlist(upstream);
  }

  /** The attachments of exactly this model in turn, else those that serve any model in turn, else null. */
  route(model: string): Upstream | null {
    return (this.#ofModel.get(model) ?? this.#ofAnyModel).next();
  }

  /** Where to ask what is asked of no model: an attachment that serves any, else the first. */
  get toAsk(): Upstream {
    const [first] = this.#all;
    if (!first) throw new TypeError('There is no gateway without an attachment.');
    return this.#all.find(({ attachment }) => attachment.modelId === null) ?? first;
  }

  /** The models that attachments are configured for. */
  get models(): readonly string[] {
    return [...this.#ofModel.keys()];
  }

  /** Whether a model's name is configured, rather than merely said by a caller. */
  names(model: string): boolean {
    return this.#ofModel.has(model);
  }

  /** Whether some attachment serves whatever model is asked for. */
  get servesAnyModel(): boolean {
    return this.#ofAnyModel.size > 0;
  }

  /** Closes all connections at once. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ pool }) => pool.destroy()));
  }

  #enlist(upstream: Upstream): void {
    const { modelId } = upstream.attachment;
    if (modelId === null) {
      this.#ofAnyModel.add(upstream);
      return;
    }
    const rota = this.#ofModel.get(modelId) ?? new Rota();
    rota.add(upstream);
    this.#ofModel.set(modelId, rota);
  }
}

/** Upstreams that take turns; each rota its own, or alternating models would always meet the same one. */
class Rota {
  readonly #upstreams: Upstream[] = [];
  #turn = 0;

  get size(): number {
    return this.#upstreams.length;
  }

  add(upstream: Upstream): void {
    this.#upstreams.push(upstream);
  }

  next(): Upstream | null {
    const upstream = this.#upstreams[this.#turn];
    this.#turn = (this.#turn + 1) % Math.max(1, this.#upstreams.length);
    return upstream ?? null;
  }
}

function connect(origin: string): Pool {
  return new Pool(origin, {
    connect: { timeout: connectTimeoutMs },
    maxHeaderSize: maxHeaderBytes,
    // Deadlines are kept by the exchanges' ticker, which knows streams from plain calls.
    headersTimeout: 0,
    bodyTimeout: 0,
    // One connection a request keeps an aborted stream from disturbing others.
    allowH2: false,
    pipelining: 1,
  });
}
