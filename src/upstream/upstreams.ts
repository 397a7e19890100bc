import { createHash } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { ListedModels } from '../base/model.ts';
import { isResting, type Rest, working } from './circuit-breaker.ts';
import { KeyQuota } from './key-quota.ts';

/** An attachment with its connections, and how it fares. */
export interface Upstream {
  attachment: Attachment;
  /** What the path of the base URL puts before `/v1`. */
  pathPrefix: string;
  pool: Dispatcher;
  /** Of its key: attachments that share one share it. */
  room: KeyQuota;
  rest: Rest;
}

export const connectTimeoutMs = 5_000;
/** Of an answer: far more than any has, since an answer that is not read is paid for all the same. */
const maxHeaderBytes = 128 * 1024;

/** Connections to every attachment, and which of them serves a model (contract 1.2). */
export class Upstreams {
  /** What is known of each key, by its hash. */
  readonly rooms: ReadonlyMap<string, KeyQuota>;
  readonly #all: readonly Upstream[];
  readonly #ofModel = new Map<string, Rota>();
  readonly #ofAnyModel = new Rota();
  readonly #listed: ListedModels;

  constructor(attachments: readonly Attachment[], listed: ListedModels = nothingListed) {
    this.#listed = listed;
    const rooms = new Map<string, KeyQuota>();
    this.rooms = rooms;
    this.#all = attachments.map((attachment) => {
      const { origin, pathname } = new URL(attachment.baseUrl);
      const room = rooms.get(hashOf(attachment.key)) ?? new KeyQuota();
      rooms.set(hashOf(attachment.key), room);
      const pathPrefix = pathname.replace(/\/$/, '');
      return { attachment, pathPrefix, pool: connect(origin), room, rest: working };
    });
    for (const upstream of this.#all) this.#enlist(upstream);
  }

  /**
   * The attachments of exactly this model, else those without a model of their own that list it, or have not said what
   * they serve; a different one comes first each time.
   */
  candidates(model: string): readonly Upstream[] {
    const own = this.#ofModel.get(model);
    if (own) return own.next();
    const serves = ({ attachment }: Upstream): boolean =>
      this.#listed.at(attachment.baseUrl)?.has(model) ?? true;
    return this.#ofAnyModel.nextServing(serves);
  }

  /** Every attachment, and whether it is at rest. */
  resting(nowMs: number): { attachment: string; rests: boolean }[] {
    return this.#all.map(({ attachment, rest }) => ({
      attachment: attachment.name,
      rests: isResting(rest, nowMs),
    }));
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
  /** All of them, once with each one first: so that a turn takes no new list. */
  #turns: (readonly Upstream[])[] = [];
  #turn = 0;

  add(upstream: Upstream): void {
    const all = [...(this.#turns[0] ?? []), upstream];
    this.#turns = all.map((_, n) => [...all.slice(n), ...all.slice(0, n)]);
  }

  next(): readonly Upstream[] {
    const turn = this.#turns[this.#turn];
    this.#turn = (this.#turn + 1) % Math.max(1, this.#turns.length);
    return turn ?? [];
  }

  /** The next of those that serve; a turn goes to the next one that does. */
  nextServing(serves: (upstream: Upstream) => boolean): readonly Upstream[] {
    for (let tried = 0; tried < this.#turns.length; tried += 1) {
      const turn = this.next();
      const [first] = turn;
      if (first && serves(first)) return turn.every(serves) ? turn : turn.filter(serves);
    }
    return [];
  }
}

/** Names a key without telling it. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22);
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
