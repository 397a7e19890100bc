import { createHash } from 'node:crypto';
import { buildConnector, Client, type Dispatcher, Pool } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { Clock } from '../base/clock.ts';
import type { ListedModels } from '../base/model.ts';
import { KeyQuota } from './key-quota.ts';
import { Upstream } from './upstream.ts';
import { connectTimeoutMs } from './upstream-error.ts';
import { upstreamState, type UpstreamState } from './upstream-state.ts';

/** Far more than any answer has: an answer that is not read must still be paid for. */
const maxHeaderBytes = 128 * 1024;

/** Connections to every attachment, and which of them serves a model (contract 1.2). */
export class Upstreams {
  /** By the hash of the key. */
  readonly quotas: ReadonlyMap<string, KeyQuota>;
  readonly #all: readonly Upstream[];
  readonly #ofModel = new Map<string, Rota>();
  readonly #ofAnyModel = new Rota();
  readonly #listed: ListedModels;

  constructor(attachments: readonly Attachment[], listed: ListedModels = nothingListed) {
    this.#listed = listed;
    const quotas = new Map<string, KeyQuota>();
    this.quotas = quotas;
    this.#all = attachments.map((attachment) => {
      const keyHash = hashOf(attachment.key);
      const quota = quotas.get(keyHash) ?? new KeyQuota();
      quotas.set(keyHash, quota);
      const { origin } = new URL(attachment.baseUrl);
      return new Upstream(attachment, {
        pool: new Pool(origin, options),
        quota,
        connect: () => connectOnce(origin),
      });
    });
    for (const upstream of this.#all) this.#enlist(upstream);
  }

  /**
   * The attachments of exactly this model, else those without a model of their own that list it or have listed nothing.
   * A different one comes first each time.
   */
  candidates(model: string): readonly Upstream[] {
    const own = this.#ofModel.get(model);
    if (own) return own.next();
    const serves = ({ attachment }: Upstream): boolean =>
      this.#listed.at(attachment.baseUrl)?.has(model) ?? true;
    return this.#ofAnyModel.nextServing(serves);
  }

  /** Every attachment, and whether one of its circuit breakers is open. */
  circuits(nowMs: number): { attachment: string; isOpen: boolean }[] {
    return this.#all.map(({ attachment, circuits }) => ({
      attachment: attachment.name,
      isOpen: circuits.isOpen(nowMs),
    }));
  }

  /** Every attachment as this process knows it. */
  states(clock: Clock): UpstreamState[] {
    return this.#all.map((upstream) => {
      const listed = this.#listed.at(upstream.attachment.baseUrl);
      return upstreamState(upstream, listed && [...listed.keys()], clock);
    });
  }

  /** The attachment for requests without a model: one that serves any, else the first. */
  get toAsk(): Upstream {
    const [first] = this.#all;
    if (!first) throw new TypeError('A gateway needs at least one attachment.');
    return this.#all.find(({ attachment }) => attachment.modelId === null) ?? first;
  }

  /** The models that attachments are configured for. */
  get models(): readonly string[] {
    return [...this.#ofModel.keys()];
  }

  /** Whether the configuration names this model, rather than a caller alone. */
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

/** Upstreams that take turns. Each model has its own rota, or alternating models would always meet the same upstream. */
class Rota {
  /** One list per upstream that comes first, so that a turn makes no new list. */
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

  /** Those that serve; a turn goes to the next one that does. */
  nextServing(serves: (upstream: Upstream) => boolean): readonly Upstream[] {
    for (let tried = 0; tried < this.#turns.length; tried += 1) {
      const turn = this.next();
      const [first] = turn;
      if (first && serves(first)) return turn.every(serves) ? turn : turn.filter(serves);
    }
    return [];
  }
}

/** Identifies a key without revealing it. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22);
}

const nothingListed: ListedModels = { at: () => null };

const connector = buildConnector({ timeout: connectTimeoutMs, allowH2: false });

const options = {
  connect: connectNoting,
  maxHeaderSize: maxHeaderBytes,
  // The exchanges keep the deadlines: they know streams from plain calls.
  headersTimeout: 0,
  bodyTimeout: 0,
  // One request at a time per connection, so that an aborted stream disturbs no other.
  allowH2: false,
  pipelining: 1,
};

/** An error of a connection says how much was read from it before, as undici's own errors do: see `wasReused`. */
function connectNoting(to: buildConnector.Options, callback: buildConnector.Callback): void {
  connector(to, (...result) => {
    const [, socket] = result;
    socket?.prependListener('error', (error) =>
      Object.assign(error, { socket: { bytesRead: socket.bytesRead } }),
    );
    callback(...result);
  });
}

/** A connection that ends with the one request that is sent over it. */
function connectOnce(origin: string): Dispatcher {
  const client = new Client(origin, options);
  setImmediate(() => void client.close()); // waits for the request
  return client;
}
