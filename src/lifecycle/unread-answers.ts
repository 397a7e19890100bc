import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MemoryBudget } from '../memory/budget.ts';
import { holdingOf } from '../memory/holding.ts';

export interface UnreadOptions {
  budget: MemoryBudget;
  /** How long a reader may take nothing of what waits for it. */
  readerTimeoutMs: number;
  addressOf: (request: IncomingMessage) => string;
}

/**
 * Answers that their readers do not take, whoever made them: what waits in memory counts for the caller, and a reader
 * without progress is cut off. An answer that is taken at once costs nothing.
 */
export class UnreadAnswers {
  readonly #options: UnreadOptions;
  /** Responses that have waited, and whether their reader has a deadline now. */
  readonly #watched = new WeakMap<ServerResponse, { limited: boolean }>();

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  /** Counts what of a response waits for its reader now. If the caller's share has no room for it, the reader is cut off. */
  note(response: ServerResponse): void {
    if (response.destroyed) return;
    const { writableLength, req } = response;
    if (writableLength > 0) this.#watch(response);
    else if (!this.#watched.has(response)) return;
    // Behind other answers of its connection, a response has no socket of its own yet.
    if (holdingOf(response).unread(writableLength)) req.socket.destroy();
  }

  #watch(response: ServerResponse): void {
    const watch = this.#watched.get(response) ?? this.#begin(response);
    if (watch.limited || !(response.writableNeedDrain || response.writableEnded)) return;
    watch.limited = true;
    // Node closes a socket at the second timeout in a row without progress of a write, hence half the time. http sets
    // it again for the next request.
    response.socket?.setTimeout(this.#options.readerTimeoutMs / 2);
  }

  #begin(response: ServerResponse): { limited: boolean } {
    const watch = { limited: false };
    this.#watched.set(response, watch);
    this.#charge(response);
    response.on('drain', () => {
      watch.limited = false;
      response.socket?.setTimeout(0);
      this.note(response);
    });
    return watch;
  }

  /** If nobody answers for it yet, its address does. */
  #charge(response: ServerResponse): void {
    const { budget, addressOf } = this.#options;
    const holding = holdingOf(response);
    const address = addressOf(response.req);
    if (holding.hasAccount) return holding.countAt(budget.address(address));
    if (holding.enter(budget.stranger(address))) response.req.socket.destroy();
    response.once('close', () => holding.leave());
  }
}
