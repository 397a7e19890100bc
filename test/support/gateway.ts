import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { loadCatalogue, parseCatalogue } from '../../src/config/catalogue.ts';
import { modelsFileOf, readSettings, type Settings } from '../../src/config/environment.ts';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { TrustedIssuer } from '../../src/config/issuer.ts';
import type { LedgerEntry } from '../../src/ledger/entry.ts';
import type { UsageFigures } from '../../src/ledger/totals.ts';
import type { Limit } from '../../src/base/limit.ts';
import type { SessionProof } from '../../src/base/session-proof.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';
import { createHttpServer } from '../../src/lifecycle/http-server.ts';
import { createLog } from '../../src/observability/log.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { nodeListener, pushedTelemetry, serverBounds } from '../../src/serve.ts';
import { endpoints } from '../../src/validation/registry.ts';
import { version } from '../../src/operations/version.ts';
import { wire } from '../../src/wire.ts';
import { waitFor } from './wait-for.ts';

export interface TestGatewayOptions {
  /** Added to an environment of one standard attachment and short waits. */
  env?: Readonly<Record<string, string>>;
  /** A running `redis-server`; without one the memory store. */
  redis?: { readonly url: string };
  /** An upstream that is shared; it is not closed with the gateway. */
  upstream?: StandIn;
  standIn?: StandInOptions;
  adminKey?: string;
  clock?: Clock;
  issuers?: readonly TrustedIssuer[];
  /** The models of a catalogue in place of the file's. */
  models?: object;
}

export interface Policy {
  models?: string[];
  endpoints?: string[];
  origins?: string[];
  tools?: string[];
  expires_in?: number;
  limits?: Limit[];
  end_user_limits?: Limit[];
  max_session_body_bytes?: number;
  frames?: 'openai';
  session_proof?: SessionProof;
  tags?: Record<string, string>;
  request_tags?: string[];
}

export interface NewToken extends Policy {
  team?: { id?: string; limits?: Limit[]; dearer_fallback?: boolean; tag_keys?: string[] } & Pick<
    Policy,
    'models' | 'endpoints' | 'origins' | 'tools'
  >;
  user?: { limits?: Limit[] };
}

/** A token with the names of all it belongs to. */
export interface IssuedToken {
  text: string;
  id: string;
  team: string;
  user: string;
}

export interface AdminReply {
  status: number;
  headers: Headers;
  // What a test makes of a reply is its own business.
  body: Record<string, unknown>;
}

/** The admin API of a gateway, in this process or another. */
export interface Administration {
  admin(method: string, path: string, body?: object): Promise<AdminReply>;
  /** Makes a user and a token, in a team made for it where none is named that exists. */
  issue(wanted?: NewToken): Promise<IssuedToken>;
  /** Entries of a team, newest first. */
  entries(team: string): Promise<LedgerEntry[]>;
  /** All entries of a team, newest first, however many pages they are. */
  allEntries(team: string): Promise<LedgerEntry[]>;
  /** Waits until a team has this many entries, and gives them oldest first. */
  settled(team: string, count: number, timeoutMs?: number): Promise<LedgerEntry[]>;
  usage(team: string): Promise<UsageFigures>;
}

export interface TestGateway extends Administration {
  readonly url: string;
  readonly port: number;
  readonly adminKey: string;
  readonly settings: Settings;
  readonly upstream: StandIn;
  /** What the app was made to answer to, with methods and paths. */
  readonly routes: readonly { method: string; path: string }[];
  /** What went to the log so far. */
  log(): string;
  readonly server: Server;
  /** What the gateway does at the end of its grace. */
  endRemaining(): void;
  close(): Promise<void>;
}

/** A catalogue model whose maximum is 4096, and those of the other endpoints. */
export const models = {
  chat: 'claude-3-5-haiku',
  embeddings: 'cohere-embed-multilingual',
  images: 'stable-image-ultra',
  messages: 'claude-3-5-haiku',
  rerank: 'cohere-rerank-3-5',
  agents: 'claude-3-5-haiku',
} as const;

/** Runs a gateway in this process, as `src/serve.ts` does, but for signals. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const upstream = options.upstream ?? (await startStandIn(options.standIn));
  const adminKey = options.adminKey ?? randomBytes(24).toString('hex');
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_KEY: adminKey,
    INFERENCE_URL: upstream.url,
    INFERENCE_KEY: upstream.key,
    REFUSED_CREDENTIALS_PER_MINUTE: '1000000', // all tests come from one address
    STORE_TIMEOUT_MS: '10000', // no test of something else fails because the machine is busy
    ...(options.redis ? { REDIS_URL: options.redis.url } : {}),
    ...options.env,
  };
  const settings = settingsOf(env);
  const lines: string[] = [];
  const log = createLog({
    level: settings.logLevel,
    output: { write: (text) => void lines.push(text), delivered: async () => undefined },
  });
  const metrics = new Metrics({ version, dyno: settings.dyno, endpoints: endpoints.map(({ path }) => path) });
  const { issuers = [], clock = systemClock } = options;
  const wired = wire({
    settings,
    catalogue: catalogueOf(env, options.models),
    issuers,
    clock,
    log,
    metrics,
    telemetry: await pushedTelemetry({ settings, issuers, clock, log, metrics }),
    draining: () => false,
  });
  const server = createHttpServer({
    listener: nodeListener(wired.app),
    ...serverBounds(settings),
    budget: wired.budget,
    httpsOnly: settings.onDyno,
    onRefused: (refusal, requestId) => wired.noteUnrouted(refusal, requestId),
  });
  wired.start();
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { what: 'the gateway to be ready' });
  return {
    ...administrationOf(url, adminKey),
    url,
    port,
    adminKey,
    settings,
    upstream,
    server: server.server,
    routes: wired.app.hono.routes,
    log: () => {
      log.flush();
      return lines.join('');
    },
    endRemaining: () => wired.endRemaining(),
    close: async () => {
      const closed = server.drain();
      server.cut();
      await closed;
      if (options.upstream === undefined) await upstream.close();
      await wired.drained();
      await wired.close();
    },
  };
}

/** One attachment a kind, each good for its model only; nothing serves another model. */
export function perModelEnv(upstream: StandIn): Record<string, string> {
  const attachment = (name: string, model: string): Record<string, string> => ({
    [`${name}_URL`]: upstream.url,
    [`${name}_KEY`]: upstream.key,
    [`${name}_MODEL_ID`]: model,
  });
  return {
    ...attachment('INFERENCE', models.chat),
    ...attachment('EMBEDDING', models.embeddings),
    ...attachment('DIFFUSION', models.images),
    ...attachment('RERANK', models.rerank),
  };
}

/** The admin API at an address. */
export function administrationOf(url: string, adminKey: string): Administration {
  const admin: Administration['admin'] = async (method, path, body) => {
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await reply.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return { status: reply.status, headers: reply.headers, body: parsed };
  };
  const expectStatus = async (status: number, ...call: Parameters<typeof admin>): Promise<AdminReply> => {
    const reply = await admin(...call);
    if (reply.status === status) return reply;
    throw new Error(`${call[0]} ${call[1]}: ${reply.status} ${JSON.stringify(reply.body)}`);
  };
  const entries: Administration['entries'] = async (team) => {
    const { body } = await expectStatus(200, 'GET', `/admin/requests?team=${team}&limit=1000`);
    return body['data'] as LedgerEntry[];
  };
  const allEntries: Administration['allEntries'] = async (team) => {
    const all: LedgerEntry[] = [];
    for (let cursor: unknown = ''; typeof cursor === 'string';) {
      const from = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await expectStatus(200, 'GET', `/admin/requests?team=${team}&limit=1000${from}`);
      all.push(...(body['data'] as LedgerEntry[]));
      cursor = body['next_cursor'];
    }
    return all;
  };
  return {
    admin,
    entries,
    allEntries,
    issue: async ({ team = {}, user = {}, ...policy } = {}) => {
      const { id = `team-${randomBytes(6).toString('hex')}`, ...ofTeam } = team;
      // A token has the tools of its team at most.
      const tools = policy.tools ? { tools: policy.tools } : {};
      const made = await admin('POST', '/admin/teams', { id, ...tools, ...ofTeam });
      if (made.status !== 201 && made.status !== 409)
        throw new Error(`no team: ${JSON.stringify(made.body)}`);
      const userId = `user-${randomBytes(4).toString('hex')}`;
      await expectStatus(201, 'POST', `/admin/teams/${id}/users`, { id: userId, ...user });
      const { body } = await expectStatus(201, 'POST', `/admin/teams/${id}/tokens`, {
        user: userId,
        ...policy,
      });
      return { text: String(body['token']), id: String(body['id']), team: id, user: userId };
    },
    settled: async (team, count, timeoutMs = 20_000) => {
      const look = async (): Promise<LedgerEntry[] | null> => {
        const found = await entries(team);
        return found.length >= count ? found : null;
      };
      const found = await waitFor(look, { what: `${count} entries of ${team}`, timeoutMs });
      return found.toReversed();
    },
    usage: async (team) => {
      const { body } = await expectStatus(200, 'GET', `/admin/usage?team=${team}`);
      const [row] = body['data'] as UsageFigures[];
      if (!row) throw new Error('Without groups there is always a row.');
      return row;
    },
  };
}

function settingsOf(env: Record<string, string>): Settings {
  const result = readSettings(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.settings;
}

function catalogueOf(
  env: Record<string, string>,
  given: object | undefined,
): Parameters<typeof wire>[0]['catalogue'] {
  const result =
    given === undefined
      ? loadCatalogue(modelsFileOf(env))
      : parseCatalogue(JSON.stringify({ models: given }));
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.catalogue;
}
