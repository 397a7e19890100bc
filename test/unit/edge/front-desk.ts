import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Authenticator } from '../../../src/access/authenticator.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { Answers } from '../../../src/edge/answers.ts';
import { Call } from '../../../src/edge/call.ts';
import { FrontDoor } from '../../../src/edge/front-door.ts';
import { Journal } from '../../../src/edge/journal.ts';
import { operationFor, type Route } from '../../../src/edge/route.ts';
import type { Token } from '../../../src/identity/records/identity.ts';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import type { RefusedAs } from '../../../src/ledger/refusal-count.ts';
import { createLog } from '../../../src/observability/log.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { MemoryBudget } from '../../../src/memory/budget.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';
import { identityOf } from '../access/identities.ts';

const startMs = Date.UTC(2026, 1, 1);
const requestId = 'a-request-id-of-the-caller';

interface Asked {
  method?: string;
  path?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** Node's response, as far as a call uses it. */
class FakeResponse extends EventEmitter {
  status = 0;
  headers = new Map<string, string>();
  text = '';
  headersSent = false;
  destroyed = false;

  writeHead(status: number, headers: readonly string[] | Readonly<Record<string, string>>): this {
    this.headersSent = true;
    this.status = status;
    const flat = Array.isArray(headers) ? (headers as string[]) : Object.entries(headers).flat();
    for (let at = 0; at + 1 < flat.length; at += 2) this.headers.set(flat[at] ?? '', flat[at + 1] ?? '');
    return this;
  }

  end(body?: Buffer): void {
    this.text = body?.toString() ?? '';
    this.emit('close');
  }
}

/** A call without a socket, and what its caller got. */
interface Asking {
  call: Call;
  response: FakeResponse;
}

/** The edge of a gateway without sockets, on the embedded store: front door, answers, journal, and a token `tok_1`. */
export class FrontDesk {
  nowMs = startMs;
  draining = false;
  /** How often the store was asked who calls. */
  lookups = 0;
  readonly clock: Clock = { now: () => this.nowMs, monotonic: () => this.nowMs };
  readonly store = embeddedStore(() => this.nowMs);
  readonly identities = new IdentityStore(this.store, testKeys);
  readonly budget = new MemoryBudget({
    maxBytes: 1_000,
    maxBodyBytes: 100,
    maxImportBytes: 100,
    maxCalls: 100,
  });
  readonly used: string[] = [];
  readonly refused: RefusedAs[] = [];
  readonly metrics = new Metrics({ version: '0', dyno: 'web.1', endpoints: [] });
  readonly journal: Journal;
  readonly answers: Answers;
  readonly frontDoor: FrontDoor;
  token = '';
  readonly #lines: string[] = [];
  readonly #log = createLog({
    level: 'info',
    output: { write: (line) => void this.#lines.push(line), delivered: async () => undefined },
  });

  constructor() {
    this.journal = new Journal({
      log: this.#log,
      metrics: this.metrics,
      refusals: { count: (as) => void this.refused.push(as) },
      knowsModel: (model) => model.startsWith('claude'),
      upstreamEvents: { down: () => undefined, recovered: () => undefined, keyRefused: () => undefined },
    });
    this.answers = new Answers(this.journal);
    const identities = new Proxy(this.identities, {
      get: (target, name) => {
        if (name === 'resolve') this.lookups += 1;
        const found: unknown = Reflect.get(target, name);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
    this.frontDoor = new FrontDoor({
      allowedOrigins: ['https://app.example'],
      maxBodyBytes: 100,
      authenticator: new Authenticator({ identities, clock: this.clock }),
      proofs: { check: () => Promise.resolve(null) },
      uses: { note: ({ identity }) => void this.used.push(identity.token.id) },
      budget: this.budget,
      addressOf: () => '192.0.2.1',
      draining: () => this.draining,
    });
  }

  /** With a team, a user, and a token with this policy. */
  static async open(policy: Partial<Token> = {}): Promise<FrontDesk> {
    const desk = new FrontDesk();
    const { tools = null } = policy;
    const { team, user, token } = identityOf({ team: { tools }, token: policy });
    const { text, secretHash } = mintToken('user');
    desk.token = text;
    await desk.identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(team));
    await desk.identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(user));
    const key = { kind: 'token', team: 'acme', id: token.id } as const;
    await desk.identities.create(key, JSON.stringify(token), { secretHash, user: 'ana' });
    return desk;
  }

  /** Another process changes the token: this one's cache does not know. */
  async change(policy: Partial<Token>): Promise<void> {
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    const text = (await this.identities.read(key)) ?? '';
    await this.identities.replace(key, text, JSON.stringify({ ...(JSON.parse(text) as Token), ...policy }));
  }

  asking({ method = 'GET', path = '/v1/me', headers = {}, body = '' }: Asked = {}): Asking {
    const response = new FakeResponse();
    const incoming = Object.assign(Readable.from(body === '' ? [] : [Buffer.from(body)]), {
      method,
      url: path,
      socket: {},
      headers: { authorization: `Bearer ${this.token}`, 'x-request-id': requestId, ...headers },
    });
    const io = { incoming, outgoing: response };
    // A call uses no more of Node's request and response than these have.
    const call = new Call(
      io as unknown as { incoming: IncomingMessage; outgoing: ServerResponse },
      path.split('?')[0] ?? '',
      this.clock,
    );
    return { call, response };
  }

  /** Asks a route, as `app.ts` does. */
  async ask(
    route: Route,
    asked: Asked = {},
  ): Promise<{ status: number; json: unknown; headers: Map<string, string> }> {
    const { call, response } = this.asking({ path: route.path, ...asked });
    const operation = operationFor(route, call.incoming.method);
    call.query = operation?.docs.query;
    await operation?.handle(call).catch((error: unknown) => this.answers.fail(call, error));
    const json: unknown = response.text === '' ? null : JSON.parse(response.text);
    return { status: response.status, json, headers: response.headers };
  }

  /** The lines of the log. */
  get log(): Record<string, unknown>[] {
    this.#log.flush();
    const lines = this.#lines.join('').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}
