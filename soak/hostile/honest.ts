import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { paths } from '../../test/support/gateway-client.ts';
import type { Token } from '../teams.ts';
import { honestModel, word } from './upstream.ts';

/** The honest callers have an address of their own: what is bounded by address is not theirs to share. */
const honestAddress = '127.0.0.2';
const callersEach = 3;
/** Bursts, with silence between: while it is silent, none of its answers shows that the upstream works. */
const burstEveryMs = 4_000;
const callsInBurst = 4;
/** Some prompts are long, as people's are. */
const longPrompt = 'answer'.padEnd(100_000);
/** Far more than any call takes on a busy machine. */
const stuckAfterMs = 30_000;

/** Calls of the honest team until it stops: each must be answered, whole, by the model it asked for. */
export class HonestTeam {
  answered = 0;
  readonly #urls: readonly string[];
  readonly #token: Token;
  readonly #agent = new Agent({ connect: { localAddress: honestAddress } });
  readonly #losses = new Map<string, number>();
  readonly #running: Promise<void>[] = [];
  #stopping = false;

  constructor(urls: readonly string[], token: Token) {
    this.#urls = urls;
    this.#token = token;
  }

  start(): void {
    for (const url of this.#urls)
      for (let caller = 0; caller < callersEach; caller += 1) this.#running.push(this.#callOn(url, caller));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    await this.#agent.destroy();
  }

  /** What it has lost since the last time this was asked: what happened, and how often. */
  takeLosses(): ReadonlyMap<string, number> {
    const losses = new Map(this.#losses);
    this.#losses.clear();
    return losses;
  }

  async #callOn(url: string, caller: number): Promise<void> {
    for (let n = caller; !this.#stopping; n += 1) {
      const loss = await this.#call(url, n).catch((error: unknown) => String(error));
      if (loss === null) this.answered += 1;
      else this.#losses.set(loss, (this.#losses.get(loss) ?? 0) + 1);
      if (n % callsInBurst === caller) await sleep(burstEveryMs - (performance.now() % burstEveryMs));
    }
  }

  /** Null if all is well, else what is not. */
  async #call(url: string, n: number): Promise<string | null> {
    const stream = n % 2 === 0;
    const content = n % 3 === 0 ? longPrompt : 'answer';
    const { statusCode, headers, body } = await request(`${url}${paths.chat}`, {
      method: 'POST',
      dispatcher: this.#agent,
      headersTimeout: stuckAfterMs,
      bodyTimeout: stuckAfterMs,
      headers: { authorization: `Bearer ${this.#token.text}` },
      body: JSON.stringify({
        model: honestModel,
        max_tokens: 50,
        messages: [{ role: 'user', content }],
        stream,
      }),
    });
    const text = await body.text();
    if (statusCode !== 200) return `${statusCode} ${text.slice(0, 160)}`;
    if (headers['x-tollgate-model']) return `answered by ${String(headers['x-tollgate-model'])}`;
    const isWhole = text.includes(word) && (!stream || text.endsWith('data:[DONE]\n\n'));
    return isWhole ? null : 'an answer was cut';
  }
}
