/** A call that a client made, and how it was answered. */
export interface Call {
  readonly path: string;
  /** Undefined while there is no answer, and where there never was one. */
  status?: number;
  retryAfter?: string | null;
}

/** What clients did with this process's fetch and clock since the last `begin`. */
export interface Watch {
  readonly calls: readonly Call[];
  /** The long waits they asked for, in ms. */
  readonly waitsMs: readonly number[];
  /** From here on; `timeouts` too are shortened where they are what a test is about. */
  begin(more?: { hurryTimeouts: boolean }): void;
  end(): void;
}

/** Waits from here on are taken for a client's pauses between its tries, and shortened. */
const longMs = 400;
const timesFaster = 100;
/** Whole half minutes are what they give an answer to come: shortened, a busy machine would look like a slow gateway. */
const isTimeout = (ms: number): boolean => ms % 30_000 === 0;

/**
 * Watches the clients in this process, and shortens their waits between tries. The gateway runs in a process of its
 * own, on the true clock; the waits of `node:timers/promises` and of Node's own fetch are not touched. Those of the
 * stand-in are: wait for it with `test/support/wait-for.ts`.
 */
export function watchClients(): Watch {
  const calls: Call[] = [];
  const waitsMs: number[] = [];
  const { fetch, setTimeout } = globalThis;
  let hurryTimeouts = false;

  const watchedFetch: typeof fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const call: Call = { path: pathname };
    if (!pathname.startsWith('/admin')) calls.push(call);
    const answer = await fetch(input, init);
    call.status = answer.status;
    call.retryAfter = answer.headers.get('retry-after');
    return answer;
  };
  const hurried = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): unknown => {
    if (ms < longMs) return setTimeout(callback, ms, ...args);
    waitsMs.push(ms);
    if (isTimeout(ms) && !hurryTimeouts) return setTimeout(callback, ms, ...args);
    return setTimeout(callback, ms / timesFaster, ...args);
  };
  globalThis.fetch = watchedFetch;
  globalThis.setTimeout = Object.assign(hurried, setTimeout) as typeof setTimeout; // what `util.promisify` finds on it

  return {
    calls,
    waitsMs,
    begin: (more) => {
      hurryTimeouts = more?.hurryTimeouts ?? false;
      calls.length = 0;
      waitsMs.length = 0;
    },
    end: () => {
      globalThis.fetch = fetch;
      globalThis.setTimeout = setTimeout;
    },
  };
}
