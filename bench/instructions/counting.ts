import { Pool } from 'undici';
import { chunksPerStream } from '../bodies.ts';
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
/** The share of chunks that must arrive one by one: several read at once cost much less than each by itself. */
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
        if (round >= 0) await caller.count(requests, atOnce, parts);
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

  async count(requests: number, atOnce: number, parts: number): Promise<void> {
    let reads = 0;
    const instructions = await this.target.instructionsDuring(async () => {
      reads = await this.send(requests, atOnce);
    });
    if (reads < requests * parts * minApart)
      throw new Error(
        `${this.target.name}: only ${reads} reads for ${requests * parts} chunks; too slow here.`,
      );
    this.counts.push(instructions / (requests * parts));
  }

  /** Gives how many times there was something of an answer to read. */
  async send(requests: number, atOnce: number): Promise<number> {
    let left = requests;
    let reads = 0;
    const headers = { ...this.target.headers, 'content-type': 'application/json' };
    const sendInTurn = async (): Promise<void> => {
      while (left-- > 0) {
        const { statusCode, body } = await this.#pool.request({ ...this.#what, method: 'POST', headers });
        if (statusCode !== 200) throw new Error(`${this.target.name} answered ${statusCode}.`);
        for await (const _ of body) reads += 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sendInTurn));
    return reads;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
