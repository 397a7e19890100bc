import { connect, type Socket } from 'node:net';
import type { Administration } from '../../test/support/gateway.ts';
import { paths } from '../../test/support/gateway-client.ts';
import type { Token } from '../teams.ts';
import { embeddingsModel, honestModel, type HostileUpstream, type Order } from './upstream.ts';

export interface World {
  readonly urls: readonly string[];
  readonly upstream: HostileUpstream;
  /** Tokens of the hostile team. The first user's requests are limited to two a minute. */
  readonly limited: Token;
  readonly tokens: readonly Token[];
  /** A team-admin of the hostile team. */
  readonly teamAdmin: Administration;
  /** Ends with the attack. */
  readonly signal: AbortSignal;
}

export interface Attack {
  name: string;
  /** Goes on until `world.signal` ends it. Gives what went wrong besides what the honest team lost. */
  run(world: World): Promise<string[]>;
}

/** Every way in which a member of one team was, or might be, able to hurt another. */
export const attacks: readonly Attack[] = [
  { name: 'unread-embeddings', run: unreadEmbeddings },
  { name: 'unread-streams', run: unreadStreams },
  { name: 'slow-uploads', run: slowUploads },
  { name: 'idle-connections', run: idleConnections },
  { name: 'large-bodies', run: largeBodies },
  { name: 'large-sign-ins', run: largeSignIns },
  { name: 'slow-upstream', run: (world) => provoke(world, ['hang']) },
  { name: 'failing-upstream', run: (world) => provoke(world, ['fail', 'reset']) },
  { name: 'refused-key', run: (world) => provoke(world, ['refuse key']) },
  { name: 'blocked-calls', run: blockedCalls },
  { name: 'guessed-tokens', run: guessedTokens },
  { name: 'full-store', run: fullStore },
  { name: 'full-sessions', run: fullSessions },
  { name: 'remote-tools', run: remoteTools },
  { name: 'many-models', run: manyModels },
];

const connections = 150;

/** Large answers that nobody reads. Smaller ones fill what the larger leave. */
function unreadEmbeddings(world: World): Promise<string[]> {
  const bodies = [2_047, 1_000, 400, 200, 97].map((count) =>
    JSON.stringify({ model: embeddingsModel, input: Array.from({ length: count }, () => 'x'.repeat(100)) }),
  );
  return unread(world, bodies, paths.embeddings);
}

function unreadStreams(world: World): Promise<string[]> {
  const messages = [{ role: 'user', content: 'answer' }];
  return unread(world, [JSON.stringify({ model: honestModel, messages, stream: true })], paths.chat);
}

async function unread(world: World, bodies: readonly string[], path: string): Promise<string[]> {
  let asked = 0;
  const sockets = each(world, connections, (url, token) => {
    const body = nth(bodies, asked++);
    const socket = open(url);
    // A head is read, to see whether there is an answer not to read.
    socket.once('data', () => socket.pause());
    socket.write(`${head(path, token)}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return socket;
  });
  return ended(world, sockets);
}

/** Bodies of which a byte comes now and then. */
function slowUploads(world: World): Promise<string[]> {
  const sockets = each(world, connections, (url, token) => {
    const socket = open(url);
    socket.write(`${head(paths.chat, token)}content-length: 9000000\r\n\r\n${'{'.padEnd(65_536)}`);
    const timer = setInterval(() => socket.write(' '.repeat(16_384)), 200);
    socket.once('close', () => clearInterval(timer));
    return socket;
  });
  return ended(world, sockets);
}

function idleConnections(world: World): Promise<string[]> {
  const sockets = each(world, 10 * connections, (url) => {
    const socket = open(url);
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n');
    return socket;
  });
  return ended(world, sockets);
}

function largeBodies(world: World): Promise<string[]> {
  const content = '\\u00e9'.repeat(1_400_000);
  const body = `{"model":"${honestModel}","max_tokens":5,"messages":[{"role":"user","content":"${content}"}]}`;
  return repeat(world, 4, async (url, token) => {
    await post(world, `${url}${paths.chat}`, { token: token.text, body });
  });
}

function largeSignIns(world: World): Promise<string[]> {
  const sockets = each(world, connections, (url) => {
    const socket = open(url);
    socket.write(
      `POST /oauth/token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 200000\r\n\r\n${'a='.repeat(30_000)}`,
    );
    return socket;
  });
  return ended(world, sockets);
}

function provoke(world: World, orders: readonly Order[]): Promise<string[]> {
  let n = 0;
  return repeat(world, 40, async (url, token) => {
    const order = orders[(n += 1) % orders.length] ?? 'fail';
    await post(world, `${url}${paths.chat}`, { token: token.text, body: chat(order) });
  });
}

/** Refunded, so no limit on requests counts them; the shared key's quota does. */
async function blockedCalls(world: World): Promise<string[]> {
  const before = world.upstream.received.get('block') ?? 0;
  const wrong = await repeat(world, 8, async (url) => {
    await post(world, `${url}${paths.chat}`, { token: world.limited.text, body: chat('block') });
  });
  const sent = (world.upstream.received.get('block') ?? 0) - before;
  return sent > 20 ? [...wrong, `${sent} blocked calls of one token reached the upstream`] : wrong;
}

function guessedTokens(world: World): Promise<string[]> {
  return repeat(world, 16, async (url) => {
    const token = `tgk_${Math.random().toString(36).slice(2).padEnd(46, 'a')}`;
    await post(world, `${url}${paths.chat}`, { token, body: chat('answer') });
  });
}

/** Everything a team-admin may write, as large and as often as it goes. */
function fullStore(world: World): Promise<string[]> {
  const { teamAdmin, tokens } = world;
  const [{ team, id, user }] = tokens as [Token];
  let n = 0;
  return repeat(world, 6, async () => {
    n += 1;
    const models = Array.from({ length: 1_000 }, (_, m) => `${'m'.repeat(100)}-${n}-${m}`);
    await Promise.all([
      teamAdmin.admin('PATCH', `/admin/teams/${team}/tokens/${id}`, { models }),
      teamAdmin.admin('PATCH', `/admin/teams/${team}/tokens/${id}`, { name: `n${n}` }),
      teamAdmin.admin('POST', `/admin/teams/${team}/users`, { id: `user-${n}`, name: 'n'.repeat(100) }),
      teamAdmin.admin('POST', `/admin/teams/${team}/tokens`, { user, name: 'n'.repeat(100) }),
    ]);
  });
}

function fullSessions(world: World): Promise<string[]> {
  const limits = ['minute', 'hour', 'day'].map((window) => ({ metric: 'requests', window, max: 1_000 }));
  const body = JSON.stringify({ limits, end_user: 'e'.repeat(60) });
  return repeat(world, 12, async (url, token) => {
    await post(world, `${url}/v1/sessions`, { token: token.text, body });
  });
}

/** Gives itself a tool that runs commands in somebody's app. */
async function remoteTools(world: World): Promise<string[]> {
  const [{ team, user }] = world.tokens as [Token];
  const tools = ['dyno_run_command@production-app'];
  const made = await world.teamAdmin.admin('POST', `/admin/teams/${team}/tokens`, { user, tools });
  const widened = await world.teamAdmin.admin('PATCH', `/admin/teams/${team}`, { tools });
  return [made, widened]
    .filter(({ status }) => status < 400)
    .map(({ status }) => `granted itself a tool: ${status}`);
}

/** Names that nobody serves, which might be remembered. */
function manyModels(world: World): Promise<string[]> {
  let n = 0;
  return repeat(world, 12, async (url, token) => {
    n += 1;
    const model = `model-${n}-${'x'.repeat(100)}`;
    await post(world, `${url}${paths.chat}`, { token: token.text, body: chat('fail', model) });
  });
}

function chat(order: Order, model = honestModel): string {
  return JSON.stringify({ model, max_tokens: 5, messages: [{ role: 'user', content: order }] });
}

function head(path: string, token: Token): string {
  return `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token.text}\r\n`;
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => undefined); // to be cut off is what it expects
}

function each<T>(world: World, count: number, make: (url: string, token: Token) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(nth(world.urls, n), nth(world.tokens, n)));
}

function nth<T>(list: readonly T[], n: number): T {
  const item = list[n % list.length];
  if (item === undefined) throw new RangeError('There is nothing to take.');
  return item;
}

/** Holds the connections until the attack ends. */
async function ended({ signal }: World, sockets: readonly Socket[]): Promise<string[]> {
  await untilAborted(signal);
  for (const socket of sockets) socket.destroy();
  return [];
}

/** Does it again and again, by so many callers at once. What fails is no matter of theirs. */
async function repeat(
  world: World,
  callers: number,
  once: (url: string, token: Token) => Promise<void>,
): Promise<string[]> {
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let n = caller; !world.signal.aborted; n += 1)
        await once(nth(world.urls, n), nth(world.tokens, n)).catch(() => undefined);
    }),
  );
  return [];
}

async function post(
  { signal }: World,
  url: string,
  { token, body }: { token: string; body: string },
): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body,
    signal,
  });
  await answer.arrayBuffer();
  return answer.status;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
