import type { IncomingMessage, request, ServerResponse } from 'node:http';
import { setImmediate as immediate } from 'node:timers/promises';
import { longHeaderLine, passedHeaders } from './router-headers.ts';

/** What went wrong, by Heroku's names (Dev Center, "Heroku Error Codes"). */
export type RouterError =
  /** No byte of an answer in time: the caller gets a 503. */
  | 'H12'
  /** The dyno closed a connection before it answered: 503. */
  | 'H13'
  /** The dyno was silent for too long: cut. */
  | 'H15'
  /** The dyno broke an answer off. */
  | 'H18'
  /** The dyno refused a connection: 503. */
  | 'H21'
  /** The caller left. */
  | 'H27'
  /** The caller was silent for too long: cut. */
  | 'H28'
  /** A header line of an answer is too long: 502. No code of Heroku's is known for it. */
  | 'header line';

/** Of the event loop, for bytes from the gateway's timer to the router: some for each of two sockets. */
const turnsOnTheWay = 20;

/** One request on its way through, and its answer on the way back. */
export class Passage {
  readonly #outgoing: ServerResponse;
  readonly #report: (error: RouterError) => void;
  #clock: NodeJS.Timeout | undefined;
  #over = false;

  constructor(outgoing: ServerResponse, report: (error: RouterError) => void) {
    this.#outgoing = outgoing;
    this.#report = report;
  }

  /**
   * The router shares a process with the gateway. If that stood still, the gateway's bytes may have been due before the
   * router's time was up, and be on their way: they count as heard in time.
   */
  async #unlessHeard(expired: () => void): Promise<void> {
    const clock = this.#clock;
    for (let turn = 0; turn < turnsOnTheWay; turn += 1) await immediate();
    if (clock === this.#clock) expired();
  }

  carry(
    incoming: IncomingMessage,
    outward: ReturnType<typeof request>,
    { firstByteMs, silenceMs }: { firstByteMs: number; silenceMs: number },
  ): void {
    const end = (error: RouterError | null, then?: () => void): void => {
      if (this.#over) return;
      this.#over = true;
      clearTimeout(this.#clock);
      if (error) this.#report(error);
      then?.();
    };
    const wait = (ms: number, expired: () => void): void => {
      clearTimeout(this.#clock);
      if (!this.#over) this.#clock = setTimeout(() => void this.#unlessHeard(expired), ms);
    };
    const give503 = (error: RouterError) => (): void =>
      end(error, () => {
        fail(this.#outgoing, error === 'header line' ? 502 : 503);
        outward.destroy();
      });
    const cut = (error: RouterError) => (): void =>
      end(error, () => {
        this.#outgoing.destroy();
        outward.destroy();
      });

    incoming.on('data', (chunk: Buffer) => {
      wait(silenceMs, cut('H28'));
      if (!outward.write(chunk)) {
        incoming.pause();
        outward.once('drain', () => incoming.resume());
      }
    });
    incoming.on('end', () => outward.end(() => wait(firstByteMs, give503('H12'))));
    this.#outgoing.on('close', () => {
      if (!this.#outgoing.writableFinished) end('H27', () => outward.destroy());
    });
    outward.on('error', (error: NodeJS.ErrnoException) =>
      give503(error.code === 'ECONNREFUSED' ? 'H21' : 'H13')(),
    );
    outward.on('response', (answer) => {
      if (longHeaderLine(answer.rawHeaders)) return give503('header line')();
      this.#outgoing.writeHead(answer.statusCode ?? 502, passedHeaders(answer.rawHeaders));
      this.#outgoing.flushHeaders();
      wait(silenceMs, cut('H15'));
      answer.on('data', (chunk: Buffer) => {
        wait(silenceMs, cut('H15'));
        if (!this.#outgoing.write(chunk)) {
          answer.pause();
          this.#outgoing.once('drain', () => answer.resume());
        }
      });
      answer.on('error', cut('H18'));
      answer.on('end', () => end(null, () => this.#outgoing.end()));
    });
  }
}

/** A page of the router's own, which is HTML. */
export function fail(outgoing: ServerResponse, status: number): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing
    .writeHead(status, { 'content-type': 'text/html' })
    .end('<html><body>Application error</body></html>');
}
