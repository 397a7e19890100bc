import { randomBytes, randomUUID } from 'node:crypto';
import type { Limit } from '../src/base/limit.ts';
import { limitsOfEndUser } from '../src/identity/records/end-user.ts';
import { applied } from '../src/limits/grant.ts';
import { AdmissionStore } from '../src/limits/admission-store.ts';
import { IdempotencyKey } from '../src/limits/idempotency-key.ts';
import { KeptAnswer } from '../src/limits/kept-answer.ts';
import { encodeOpen, type OpenRequest } from '../src/limits/open-record.ts';
import { settlementOf } from '../src/limits/settlement.ts';
import type { AdmitRequest, Settlement } from '../src/limits/store.ts';
import { AuditTrail } from '../src/audit/audit-trail.ts';
import { mintToken } from '../src/identity/records/token-text.ts';
import { actingAs } from '../src/audit/context.ts';
import { ConsoleSessionStore } from '../src/console/session-store.ts';
import { linkMark } from '../src/identity/records/secret.ts';
import { IdentityStore } from '../src/identity/store/identity-store.ts';
import { SecretStore } from '../src/identity/store/secret-store.ts';
import { systemClock } from '../src/base/clock.ts';
import type { RecordKey } from '../src/identity/records/identity.ts';
import { dayOf } from '../src/base/days.ts';
import { noCharge } from '../src/base/outcome.ts';
import { keysUnder } from '../src/store/keys.ts';
import type { ForwardOutcome } from '../src/base/outcome.ts';
import { RedisStore } from '../src/store/redis.ts';
import type { RefusalCount } from '../src/ledger/refusal-count.ts';
import { RefusalStore } from '../src/ledger/refusal-store.ts';
import { startRedis } from '../test/support/redis-server.ts';

/*
 * What each thing costs in bytes of a real store, written by the gateway's own code: the figures of
 * docs/store-budget.md. `npm run measure:store`
 */

const keys = keysUnder('tollgate:');
const perCall = 200;
const processId = 'measure00001';
const dayMs = 86_400_000;
const limits = [
  { metric: 'tokens', window: 'day', max: 1_000_000 },
  { metric: 'requests', window: 'minute', max: 100 },
].map((limit) => ({ id: randomBytes(9).toString('base64url'), ...limit }));

const redis = await startRedis();
const store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 10_000 });
await store.connected();
const identities = new IdentityStore(store, keys);
const admission = new AdmissionStore(store, keys, {
  leaseMs: 600_000,
  maxEntries: 1_000_000,
  retentionDays: 3_660,
  endUserBytes: 64 * 1_048_576,
  keyedBytes: 1_024 * 1_048_576,
});

interface Measured {
  what: string;
  bytesEach: number;
}

/** How much memory the store takes for each of `count` things. */
async function measure(what: string, count: number, make: () => Promise<void>): Promise<Measured> {
  const before = await store.memory();
  await make();
  const after = await store.memory();
  return { what, bytesEach: Math.round((after.usedBytes - before.usedBytes) / count) };
}

async function makeIn(into: IdentityStore, key: RecordKey, value: object, user?: string): Promise<void> {
  const binding = user === undefined ? undefined : { secretHash: mintToken('user').secretHash, user };
  const made = await into.create(key, JSON.stringify(value), binding);
  if (made !== 'created') throw new Error(`${key.kind}: ${made}`);
}
const create = (key: RecordKey, value: object, user?: string): Promise<void> =>
  makeIn(identities, key, value, user);

const createdAt = new Date().toISOString();
const makeTeam = (id: string): Promise<void> =>
  create({ kind: 'team', team: id }, { id, name: `Team ${id}`, limits, created_at: createdAt });
const makeUser = (team: string, id: string): Promise<void> =>
  create(
    { kind: 'user', team, id },
    { id, team, name: 'Ana Example', email: `${id}@example.com`, limits, created_at: createdAt },
  );
const tokenRecord = (team: string, user: string, id: string): object => ({
  id,
  team,
  user,
  name: 'laptop',
  prefix: 'tgk_ABCDEFGH',
  origins: ['https://app.example.com'],
  limits,
  created_at: createdAt,
  expires_at: createdAt,
});
const makeToken = (team: string, user: string, id: string): Promise<void> =>
  create({ kind: 'token', team, id }, tokenRecord(team, user, id), user);

async function times(count: number, make: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n += 1) await make(n);
}

const answered: ForwardOutcome = {
  ending: 'answered',
  status: 200,
  outcome: 'ok',
  errorCode: null,
  usage: { inputTokens: 1_234, outputTokens: 567 },
  unreportedTokens: 0,
  accepted: true,
  upstream: { status: 200, headMs: 800 },
  sentTo: null,
  durationMs: 2_345,
  ttfbMs: 812,
};

function request(n: number, model = 'claude-4-5-sonnet'): OpenRequest {
  return {
    requestId: randomUUID(),
    team: 'team-0',
    user: `user-${n % 50}`,
    tokenId: `tok_${String(n % 100).padStart(12, '0')}`,
    sessionId: null,
    endUser: null,
    tags: '',
    nanoUsd: null,
    endpoint: '/v1/chat/completions',
    model,
    modelKnown: true,
    stream: true,
    ...noCharge,
    requests: 1,
    inputTokens: 1_000,
    outputTokens: 4_096,
    slots: [],
    held: '',
    keyed: '',
  };
}

async function admit(requests: readonly OpenRequest[], from: number): Promise<void> {
  const epoch = (await store.attempt((client) => client.hget(keys.epochs, 'team-0'))) ?? '';
  const asks = requests.map((each, n): AdmitRequest => ({
    grant: `${processId}-${(from + n).toString(36)}`,
    team: each.team,
    epoch,
    notAfterMs: Infinity,
    expiresAtMs: Infinity,
    session: null,
    record: encodeOpen(each),
    limits: [],
  }));
  for (let at = 0; at < asks.length; at += perCall)
    await admission.admit(processId, asks.slice(at, at + perCall));
}

async function settle(
  requests: readonly OpenRequest[],
  { from, admittedAtMs }: { from: number; admittedAtMs: (n: number) => number },
): Promise<void> {
  const settlements = requests.map((each, n): Settlement => {
    const id = `${processId}-${(from + n).toString(36)}`;
    const admitted = { incarnation, admittedAtMs: admittedAtMs(n) };
    const grant = { id, ...admitted, limits: [], attempts: [], request: each, price: null, key: null };
    return settlementOf(grant, answered).settlement;
  });
  for (let at = 0; at < settlements.length; at += perCall)
    await admission.settle(processId, settlements.slice(at, at + perCall));
}

const { usedBytes: emptyBytes } = await store.memory();
const { incarnation } = await admission.beat(processId);
const measured: Measured[] = [];

await makeTeam('team-0');
measured.push(await measure('team', 200, () => times(200, (n) => makeTeam(`other-${n}`))));
measured.push(await measure('user', 1_000, () => times(1_000, (n) => makeUser('team-0', `user-${n}`))));
measured.push(
  await measure('token', 2_000, () =>
    times(2_000, (n) => makeToken('team-0', `user-${n % 50}`, `tok_${String(n).padStart(12, '0')}`)),
  ),
);

// A change that leaves the size of the records as it is: only the trail grows.
const audit = new AuditTrail(store, keys, { log: { info: () => {} }, clock: systemClock });
const audited = new IdentityStore(store, keys, audit);
const origin = { actor: 'adm_000000000000', address: '203.0.113.9', requestId: randomUUID() };
const teamText = (n: number): string =>
  JSON.stringify({ id: 'team-0', name: `Team ${n % 2}`, limits, created_at: createdAt });
const place: RecordKey = { kind: 'team', team: 'team-0' };
const found = (await identities.read(place)) ?? '';
await identities.replace(place, found, teamText(1));
measured.push(
  await measure('entry of the audit trail: a field changed', 2_000, () =>
    times(2_000, async (n) => {
      await actingAs(origin, () => audited.replace(place, teamText(n + 1), teamText(n)));
    }),
  ),
);
await makeTeam('team-1'); // one team may not have all of them
await times(50, (n) => makeUser('team-1', `user-${n}`));
measured.push(
  await measure('a token with its entry', 2_000, () =>
    times(2_000, async (n) => {
      const id = `tok_a${String(n).padStart(11, '0')}`;
      const user = `user-${n % 50}`;
      const key: RecordKey = { kind: 'token', team: 'team-1', id };
      await actingAs(origin, () => makeIn(audited, key, tokenRecord('team-1', user, id), user));
    }),
  ),
);

const count = 20_000;
const requests = Array.from({ length: count }, (_, n) => request(n));
measured.push(await measure('open request', count, () => admit(requests, 0)));
await settle(requests.slice(0, perCall), { from: 0, admittedAtMs: () => Date.now() }); // its totals rows are made here
const { usedBytes: openBytes } = await store.memory();
await settle(requests.slice(perCall), { from: perCall, admittedAtMs: () => Date.now() });
const openEach = measured.at(-1)?.bytesEach ?? 0;
const { usedBytes: closedBytes } = await store.memory();
measured.push({
  what: 'entry of the ledger',
  bytesEach: Math.round((closedBytes - openBytes) / (count - perCall) + openEach),
});

const days = 30;
const rowsADay = 500; // 50 users with two tokens each and five models
const rows = Array.from({ length: days * rowsADay }, (_, n) =>
  request(n % 100, `model-of-today-${Math.floor(n / 100) % 5}`),
);
await admit(rows, count);
const { usedBytes: beforeRows } = await store.memory();
await settle(rows, { from: count, admittedAtMs: (n) => Date.now() - (1 + Math.floor(n / rowsADay)) * dayMs });
const { usedBytes: afterRows } = await store.memory();
const entryEach = (measured.at(-1)?.bytesEach ?? 0) - openEach;
measured.push({
  what: 'row of a day’s totals',
  bytesEach: Math.round((afterRows - beforeRows) / rows.length - entryEach),
});

// Visitors of a day, with tags; of 20,000 a bounded number keep their names.
const breakdownOf = async (visitors: number, daysAgo: number): Promise<number> => {
  const asked = Array.from({ length: visitors }, (_, n) => ({
    ...request(n % 100),
    endUser: `visitor-${String(n).padStart(6, '0')}`,
    tags: `project=website-${n % 5}`,
  }));
  const from = 100_000 * daysAgo;
  await admit(asked, from);
  const atMs = Date.now() - daysAgo * dayMs;
  await settle(asked, { from, admittedAtMs: () => atMs });
  return Number(
    await redis.command('MEMORY', 'USAGE', keys.breakdown(`${dayOf(atMs)}/team-0`), 'SAMPLES', 0),
  );
};
measured.push(
  {
    what: 'row of a day’s breakdown, with tags and an end user',
    bytesEach: Math.round((await breakdownOf(400, 41)) / 400),
  },
  { what: 'a day’s breakdown of a team of 20,000 end users', bytesEach: await breakdownOf(20_000, 40) },
);

const refusals = new RefusalStore(store, keys, { retentionDays: 3_660 });
const refusedRows = Array.from({ length: days * rowsADay }, (_, n): RefusalCount => {
  const { team, user, tokenId: token, endpoint } = request(n % 100);
  const code = (['insufficient_quota', 'rate_limit_exceeded', 'model_not_allowed', 'invalid_body'] as const)[
    n % 4
  ];
  const as = {
    team,
    user,
    token: `${token}${Math.floor(n / 100) % 5}`,
    endpoint,
    code: code ?? 'invalid_body',
    model: 'claude-4-5-sonnet',
    limit: 'token requests/minute',
  };
  return { day: dayOf(Date.now() - Math.floor(n / rowsADay) * dayMs), as, refused: 12, lastMs: Date.now() };
});
measured.push(
  await measure('row of a day’s refusals', refusedRows.length, async () => {
    for (let at = 0; at < refusedRows.length; at += perCall) {
      const counts = refusedRows.slice(at, at + perCall);
      await refusals.add({ process: processId, sequence: 1 + at / perCall, counts });
    }
  }),
);

const consoleSessions = new ConsoleSessionStore(store, keys);
const browser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const secretHash = (): string => randomBytes(32).toString('base64url');
measured.push(
  await measure('session of the console', 2_000, () =>
    times(2_000, async (n) => {
      const token = { id: `tok_${String(n).padStart(12, '0')}`, team: 'team-0', secretHash: secretHash() };
      const holder = { kind: 'token', ...token, seal: secretHash() } as const;
      await consoleSessions.open(secretHash(), { holder, browser });
    }),
  ),
);

const secrets = new SecretStore(store, keys);
const note = (mark: (prefix: string) => string) => (): Promise<void> =>
  times(2_000, (n) => {
    const token = `tok_${String(n).padStart(12, '0')}`;
    return secrets.noteUses([{ team: 'team-0', token, prefix: mark('tgk_ABCDEFGH'), atMs: Date.now() }]);
  });
measured.push(await measure('last use of a token', 2_000, note(String)));
measured.push(
  await measure(
    'that its link was made',
    2_000,
    note((prefix) => linkMark('link-made', prefix)),
  ),
  await measure(
    'that it was opened',
    2_000,
    note((prefix) => linkMark('link-opened', prefix)),
  ),
);

/** Each of so many visitors sends a request, all at once: then all of a minute's counters are there together. */
const visitors = 20_000;
async function visit(name: string, ofEach: readonly Limit[]): Promise<void> {
  const epoch = (await store.attempt((client) => client.hget(keys.epochs, 'team-0'))) ?? '';
  const asks = Array.from({ length: visitors }, (_, n): AdmitRequest => {
    const endUser = `${name}-${n}@example.com`;
    const limitsOfOne = limitsOfEndUser({ team: 'team-0', endUser }, [['', ofEach]]);
    return {
      grant: `${processId}-${name}-${n.toString(36)}`,
      team: 'team-0',
      epoch,
      notAfterMs: Infinity,
      expiresAtMs: Infinity,
      session: null,
      record: '',
      limits: limitsOfOne.map((scoped) => applied(scoped, { ...noCharge, requests: 1, inputTokens: 1_000 })),
    };
  });
  for (let at = 0; at < asks.length; at += perCall) {
    const batch = asks.slice(at, at + perCall);
    await admission.admit(processId, batch);
    await admission.settle(
      processId,
      batch.map(({ grant }) => ({ grant, incarnation, team: 'team-0', adjustments: [], closing: null })),
    );
  }
}
const aDay: Limit = { metric: 'requests', window: 'day', max: 50 };
const aMinute: Limit = { metric: 'requests', window: 'minute', max: 5 };
const aDayOfTokens: Limit = { metric: 'tokens', window: 'day', max: 50_000 };
for (const [name, ofEach] of [
  ['an end user with a limit a day', [aDay]],
  ['with two', [aDay, aDayOfTokens]],
  ['with one a day and one a minute, in that minute', [aDay, aMinute]],
] as const) {
  measured.push(await measure(name, visitors, () => visit(name.replaceAll(/\W/g, ''), ofEach)));
}

/** Calls with an Idempotency-Key, without their entries; `answer` is kept for them. */
async function settleKeyed(many: number, answer: KeptAnswer | null): Promise<void> {
  const call = {
    principal: 'team-0/tok_000000000000',
    path: '/v1/chat/completions',
    body: Buffer.from('{}'),
  };
  const epoch = (await store.attempt((client) => client.hget(keys.epochs, 'team-0'))) ?? '';
  await times(many, async () => {
    const key = new IdempotencyKey(randomUUID(), call);
    const open = { ...request(0), keyed: `${key.id} ${key.fingerprint}` };
    const grant = `${processId}-${key.id}`;
    const { keyed } = open;
    await admission.admit(processId, [
      {
        grant,
        team: 'team-0',
        epoch,
        notAfterMs: Infinity,
        expiresAtMs: Infinity,
        session: null,
        record: encodeOpen(open),
        limits: [],
        keyed,
      },
    ]);
    const admitted = { id: grant, incarnation, admittedAtMs: Date.now(), limits: [], attempts: [] };
    const { settlement } = settlementOf({ ...admitted, request: open, price: null, key }, answered, answer);
    await admission.settle(processId, [{ ...settlement, closing: null }]);
  });
}
const said =
  'Ships turn at the lighthouse because the rocks begin a mile behind it. Its keeper has counted them for thirty years, in a green book, and sends the figures to the harbour every Friday. Last winter there were fewer than ever.';
const short = JSON.stringify({
  id: 'chatcmpl-18a2c9f',
  object: 'chat.completion',
  created: 1_764_495_000,
  model: 'claude-4-5-haiku',
  choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 13, completion_tokens: 49, total_tokens: 62 },
});
const head = { status: 200, headers: ['content-type', 'application/json'] };
measured.push(
  await measure('call with an Idempotency-Key', 2_000, () => settleKeyed(2_000, null)),
  await measure('the same with a short answer', 2_000, () =>
    settleKeyed(2_000, new KeptAnswer(head, Buffer.from(short))),
  ),
);

const width = Math.max(...measured.map(({ what }) => what.length));
process.stdout.write(`${'empty store'.padEnd(width)}  ${emptyBytes} bytes\n`);
for (const { what, bytesEach } of measured)
  process.stdout.write(`${what.padEnd(width)}  ${bytesEach} bytes each\n`);
store.close();
await redis.stop();
