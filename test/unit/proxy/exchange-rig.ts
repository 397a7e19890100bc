import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ForwardOutcome } from '../../../src/base/outcome.ts';
import { Call } from '../../../src/edge/call.ts';
import { WholeAnswer } from '../../../src/proxy/answer-keeper.ts';
import { Exchange } from '../../../src/proxy/exchange.ts';
import { OpenExchanges } from '../../../src/proxy/open-exchanges.ts';
import type { UpstreamCall } from '../../../src/upstream/upstream-call.ts';

const attachment = { name: 'A', baseUrl: 'http://127.0.0.1:1', key: 'inf-secret', modelId: null };
const timings = {
  upstreamTimeoutMs: 300_000,
  streamIdleTimeoutMs: 60_000,
  readerTimeoutMs: 60_000,
  firstHeartbeatMs: 28_000,
  heartbeatMs: 25_000,
};

/** Node's response, as far as an exchange uses it, with notes of what it was told. */
class FakeResponse extends EventEmitter {
  readonly wrote: string[] = [];
  headersSent = false;
  destroyed = false;
  writableFinished = false;
  /** The reader takes nothing. */
  isFull = false;
  readonly socket = {
    setTimeout: () => undefined,
    destroySoon: () => {
      this.wrote.push('(cut)');
      this.close();
    },
  };

  writeHead(status: number): this {
    this.headersSent = true;
    this.wrote.push(String(status));
    return this;
  }

  flushHeaders(): void {
    this.wrote.push('(head)');
  }

  write(chunk: string | Buffer): boolean {
    this.wrote.push(chunk.toString());
    return !this.isFull;
  }

  end(chunk?: Buffer): void {
    if (chunk) this.wrote.push(chunk.toString());
    this.wrote.push('(end)');
    if (!this.isFull) this.close();
  }

  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

/** The way to the upstream, with notes of what it was told. */
class FakeUpstreamCall implements UpstreamCall {
  sent = false;
  spent = false;
  readonly attachment = attachment;
  readonly model = 'm';
  sentAtMs = 0;
  headers: readonly string[] = [];
  retryAfterMs: number | null = null;
  abandoned = 0;
  failures = 0;

  letGoOfBody(): boolean {
    return false;
  }

  recordFailure(): void {
    this.failures += 1;
  }

  abandon(): void {
    this.abandoned += 1;
  }
}

/** An exchange without sockets. Use it with vitest's fake timers: they are its clock. */
export class Rig {
  readonly response = new FakeResponse();
  readonly upstreamCall = new FakeUpstreamCall();
  readonly open: OpenExchanges;
  readonly exchange: Exchange;
  readonly outcomes: ForwardOutcome[] = [];
  /** What settling waits for. */
  settling: Promise<void> | null = null;
  /** The upstream's answer is stopped. */
  isPaused = false;

  constructor({
    stream,
    hasLeft = false,
    keeps = false,
  }: {
    stream: boolean;
    hasLeft?: boolean;
    keeps?: boolean;
  }) {
    const clock = { now: () => Date.now(), monotonic: () => Date.now() };
    const incoming = { headers: {} };
    this.open = new OpenExchanges(clock);
    const io = { incoming, outgoing: this.response };
    // An exchange and its call use no more of Node's request and response than the fakes have.
    const call = new Call(
      io as unknown as { incoming: IncomingMessage; outgoing: ServerResponse },
      '/v1/chat/completions',
      clock,
    );
    if (hasLeft) this.response.close();
    this.exchange = new Exchange(
      {
        call,
        answerFormat: 'openai',
        stream,
        frames: null,
        asResponse: null,
        headers: [],
        timings,
        open: this.open,
        keeper: keeps ? new WholeAnswer(call.holding) : null,
        settle: (outcome) => {
          this.outcomes.push(outcome);
          return this.settling;
        },
      },
      this.upstreamCall,
    );
  }

  /** The request is sent. */
  send(): this {
    this.upstreamCall.sent = true;
    this.exchange.onRequestStart({
      pause: () => (this.isPaused = true),
      resume: () => (this.isPaused = false),
    });
    return this;
  }

  head(status: number, contentType: string): this {
    this.exchange.onResponseStart(status, { 'content-type': contentType });
    return this;
  }

  data(text: string): this {
    this.exchange.onResponseData(Buffer.from(text));
    return this;
  }

  end(): void {
    this.exchange.onResponseEnd();
  }

  breakOff(code = 'ECONNRESET'): void {
    this.exchange.onResponseError(Object.assign(new Error(code), { code }));
  }

  /** How it was settled, in one line. */
  get settled(): string {
    return this.outcomes
      .map(({ ending, status, outcome, errorCode }) => [ending, status, outcome, errorCode].join(' '))
      .join(', ');
  }
}
