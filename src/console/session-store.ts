import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { Store } from '../store/store.ts';
import { type Holder, nameOf, parseHolder } from './holder.ts';

const openSession = loadScript(new URL('./open_console_session.lua', import.meta.url));
const useSession = loadScript(new URL('./use_console_session.lua', import.meta.url));
const endSession = loadScript(new URL('./end_console_session.lua', import.meta.url));
const listSessions = loadScript(new URL('./list_console_sessions.lua', import.meta.url));

/** A session lasts a working day, and an hour without use. */
export const longestMs = 8 * 3_600_000;
export const longestIdleMs = 3_600_000;
const mostOfHolder = 20;

/** A session that has not run out. Times are the store's, ms. */
export interface ConsoleSession {
  holder: Holder;
  /** It was ended, and the note of it is kept: see `end`. */
  hasEnded: boolean;
  openedAtMs: number;
  endsAtMs: number;
}

/** A session in the list of its holder's. */
export interface ListedSession {
  /** The hash of its secret: it names the session, and opens nothing. */
  id: string;
  /** What the browser called itself. */
  browser: string;
  openedAtMs: number;
  usedAtMs: number;
  endsAtMs: number;
}

/**
 * Sessions of the console, each a key that expires with it. Only the hash of a session's secret is kept. Methods reject
 * with `StoreUnavailable`.
 */
export class ConsoleSessionStore {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Opens a session. Returns when it ends at the latest, ms. */
  async open(secretHash: string, { holder, browser }: { holder: Holder; browser: string }): Promise<number> {
    const reply = await this.#store.run(
      openSession,
      [this.#keys.consoleSession(secretHash), this.#keys.consoleSessionsOf(nameOf(holder))],
      [
        secretHash,
        JSON.stringify(holder),
        browser,
        longestMs,
        longestIdleMs,
        this.#keys.consoleSession(''),
        mostOfHolder,
      ],
    );
    const [, ends] = textsIn(reply);
    return Number(ends);
  }

  /** The session behind a secret, which is now used; null if there is none, or it ran out. Works in a full store. */
  async use(secretHash: string): Promise<ConsoleSession | null> {
    const reply = await this.#store.run(useSession, [this.#keys.consoleSession(secretHash)], [longestIdleMs]);
    const [, text, opened, ends, ended] = textsIn(reply);
    const holder = text === undefined ? null : parseHolder(text);
    if (holder === null) return null;
    return { holder, hasEnded: ended === '1', openedAtMs: Number(opened), endsAtMs: Number(ends) };
  }

  /**
   * Ends a session of a holder; false if the holder has no such session. With `note`, `use` tells later that it ended.
   * Works in a full store.
   */
  async end(secretHash: string, holder: Holder, { note = false } = {}): Promise<boolean> {
    const keys = [this.#keys.consoleSession(secretHash), this.#keys.consoleSessionsOf(nameOf(holder))];
    return (await this.#store.run(endSession, keys, [secretHash, note ? '1' : '0'])) === 1;
  }

  /** The sessions of a holder. */
  async list(holder: Holder): Promise<ListedSession[]> {
    const index = this.#keys.consoleSessionsOf(nameOf(holder));
    const reply = await this.#store.run(listSessions, [index], [this.#keys.consoleSession('')]);
    if (!Array.isArray(reply)) throw wrongAnswer();
    return reply.map((each) => {
      const [id = '', browser = '', opened, used, ends] = textsIn(each);
      return {
        id,
        browser,
        openedAtMs: Number(opened),
        usedAtMs: Number(used),
        endsAtMs: Number(ends),
      };
    });
  }
}

function textsIn(reply: unknown): string[] {
  if (!Array.isArray(reply)) throw wrongAnswer();
  return reply.map(String);
}

function wrongAnswer(): StoreUnavailable {
  return new StoreUnavailable('The store gave an answer that the scripts of the console do not give.');
}
