import { type Dispatcher, Pool } from 'undici';
import type { Attachment } from '../core/attachment.ts';
import type { ListedModels } from '../core/model.ts';

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
  readonly #listed: ListedModels;

  constructor(attachments: readonly Attachment[], listed: ListedModels = nothingListed) {
    this.#listed = listed;
    this.#all = attachments.map((attachment) => {
      const { origin, pathname } = new URL(attachment.baseUrl);
      return { attachment, pathPrefix: pathname.replace(/\/$/, ''), pool: connect(origin) };
    });
    for (const upstream of this.#all) this.#enlist(upstream);
  }

  /**
   * The attachments of exactly this model in turn, else in turn those without a model of their own that list it, or
   * have not said what they serve; else null.
   */
  route(model: string): Upstream | null {
    return this.#ofModel.get(model)?.next() ?? this.#ofAnyModel.nextServing(model, this.#listed);
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

  /** The attachments without a model of their own. */
  get open(): readonly Attachment[] {
    return this.#all.map(({ attachment }) => attachment).filter(({ modelId }) => modelId === null);
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

  add(upstream: Upstream): void {
    this.#upstreams.push(upstream);
  }

  next(): Upstream | null {
    const upstream = this.#upstreams[this.#turn];
    this.#turn = (this.#turn + 1) % Math.max(1, this.#upstreams.length);
    return upstream ?? null;
  }

  /** The next one that serves a model, as far as it has said what it serves. */
  nextServing(model: string, listed: ListedModels): Upstream | null {
    for (let tried = 0; tried < this.#upstreams.length; tried += 1) {
      const upstream = this.next();
      if (upstream && (listed.at(upstream.attachment.baseUrl)?.has(model) ?? true)) return upstream;
    }
    return null;
  }
}

const nothingListed: ListedModels = { at: () => null };

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
