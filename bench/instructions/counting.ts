import { Pool } from 'undici';
import { chunksPerStream } from '../bodies.ts';
import { readCalls } from '../processes.ts';
import { figure, median } from '../report.ts';
import { Site, type Target } from '../site.ts';
import type { InstructionCounter } from './counter.ts';

export interface Counting {
  counter: InstructionCounter | null;
  rounds: number;
  say: (text: string) => void;
  upstream: (site: Site) => Promise<Target>;
  path: string;
  body: string;
  /** Requests under way at once. */
  atOnce: number;
  /** Requests of one round; the warm-up takes eight times as many. */
  requests: number;
}

/** Until then, the compiler still changes what is counted, most of all in the bare pass-through. */
const warmUpRounds = 8;
/**
 * Sent before each count, as a share of its requests: while the other target has its turn, V8 collects here, and with
 * what it collects goes some of what it had learned.
 */
const againShare = 0.25;
/** The share of chunks that must be read one by one: several read at once cost much less than each by itself. */
const minApart = 0.9;

/**
 * Instructions per request of the bare pass-through and of this gateway, by name; none without a counter. It is done
 * apart from measuring CPU: an emulator slows a program down, but what the program does stays the same.
 */
export function instructionsPerRequest(counting: Counting): Promise<Map<string, number>> {
  return countedOf(counting, 1);
}

/** The same per chunk of a stream. */
export function instructionsPerChunk(counting: Counting): Promise<Map<string, number>> {
  return countedOf(counting, chunksPerStream + 1);
}

async function countedOf(counting: Counting, parts: number): Promise<Map<string, number>> {
  const { counter, rounds, say, requests, atOnce } = counting;
  if (counter === null) return new Map();
  say(`counting instructions: ${counter.name}`);
  const site = await Site.start(counter);
  try {
    const upstream = await counting.upstream(site);
    // What runs slowly must not give up on the store.
    const env = { STORE_TIMEOUT_MS: '20000' };
    const targets = [await site.bare(upstream), await site.tollgate(upstream, { env })];
    const callers = targets.map((target) => new Caller(target, counting));
    for (let round = -warmUpRounds; round < rounds; round += 1)
      for (const caller of round % 2 === 0 ? callers : callers.toReversed()) {
        await caller.send(round < 0 ? requests : Math.ceil(requests * againShare), atOnce);
        if (round >= 0 && !(await caller.count(requests, atOnce, parts)))
          say(`${caller.target.name}: a round is left out, too slow to read chunks one by one`);
      }
    for (const caller of callers) {
      const thousands = caller.counts.map((count) => figure(count / 1_000)).join(', ');
      say(`${caller.target.name}: ${thousands} thousand instructions`);
      await caller.close();
    }
    return new Map(callers.map(({ target, counts }) => [target.name, median(counts)]));
  } finally {
    await site.close();
  }
}

/** Sends numbers of requests to one target. */
class Caller {
  readonly target: Target;
  /** Instructions per part of an answer, one figure a round. */
  readonly counts: number[] = [];
  readonly #pool: Pool;
  readonly #what: { path: string; body: string };

  constructor(target: Target, { path, body, atOnce }: Counting) {
    this.target = target;
    this.#what = { path, body };
    this.#pool = new Pool(target.url, { connections: atOnce, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Sends so many requests and keeps the count. Gives false, and keeps nothing, if parts were read together. */
  async count(requests: number, atOnce: number, parts: number): Promise<boolean> {
    const { pid } = this.target;
    const before = await readCalls(pid);
    const instructions = await this.target.instructionsDuring(() => this.send(requests, atOnce));
    const reads = (await readCalls(pid)) - before;
    if (reads < requests * parts * minApart) return false;
    this.counts.push(instructions / (requests * parts));
    return true;
  }

  async send(requests: number, atOnce: number): Promise<void> {
    let left = requests;
    const headers = { ...this.target.headers, 'content-type': 'application/json' };
    const sendInTurn = async (): Promise<void> => {
      while (left-- > 0) {
        const { statusCode, body } = await this.#pool.request({ ...this.#what, method: 'POST', headers });
        if (statusCode !== 200) throw new Error(`${this.target.name} answered ${statusCode}.`);
        await body.dump({ limit: Infinity });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sendInTurn));
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
