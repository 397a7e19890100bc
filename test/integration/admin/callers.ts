import { mintSessionToken } from '../../../src/identity/records/token-text.ts';
import { adminKey, bearer, Harness, startMs } from './harness.ts';

/** Everyone who may come to the admin API. */
export const callers = [
  'root',
  'admin',
  'team-admin of acme',
  'team-admin of beta',
  'auditor of all',
  'auditor of acme',
  'auditor of beta',
  'expired',
  'deleted',
  'user token',
  'session token',
  'nobody',
] as const;
export type Caller = (typeof callers)[number];

const strangers: Partial<Record<Caller, string>> = {
  expired: 'expired_token',
  deleted: 'invalid_token',
  nobody: 'missing_token',
};

/** The code with which a caller is turned down where it may not do something. */
export function refusedWith(caller: Caller): string {
  return strangers[caller] ?? 'role_not_allowed';
}

export interface Asked {
  status: number;
  code: string | null;
  /** The body's text. */
  text: string;
}

/** An admin API with the teams acme and beta alike: the user ana, and a token of hers; and with all the callers. */
export interface World {
  admin: Harness;
  ask: (caller: Caller, method: string, path: string, body?: object) => Promise<Asked>;
  /** By team. */
  tokenIds: Readonly<Record<string, string>>;
  /** By team, and that of the gateway. */
  webhookIds: Readonly<Record<string, string>>;
  /** An administrator that nobody here is. */
  administratorId: string;
  /** All that is stored. */
  state: () => Promise<string>;
}

export async function makeWorld(): Promise<World> {
  const admin = new Harness();
  const tokens = { acme: await teamWithToken(admin, 'acme'), beta: await teamWithToken(admin, 'beta') };
  const make = async (body: object): Promise<{ id: string; text: string }> => {
    const { body: made } = await admin.call('POST', '/admin/admins', body);
    return { id: made['id'] as string, text: made['token'] as string };
  };
  const texts: Record<Caller, string | null> = {
    root: adminKey,
    admin: (await make({ role: 'admin' })).text,
    'team-admin of acme': (await make({ role: 'team-admin', teams: ['acme'] })).text,
    'team-admin of beta': (await make({ role: 'team-admin', teams: ['beta'] })).text,
    'auditor of all': (await make({ role: 'auditor' })).text,
    'auditor of acme': (await make({ role: 'auditor', teams: ['acme'] })).text,
    'auditor of beta': (await make({ role: 'auditor', teams: ['beta'] })).text,
    expired: (await make({ role: 'admin', expires_in: 1 })).text,
    deleted: await deleted(admin, await make({ role: 'admin' })),
    'user token': tokens.acme.text,
    'session token': await sessionOf(admin, tokens.acme.id),
    nobody: null,
  };
  const price = { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 2 };
  await admin.call('PUT', '/admin/prices/chatty', { prices: [price] });
  const webhookIn = async (path: string): Promise<string> => {
    const { body } = await admin.call('POST', path, { url: 'https://hooks.example.com/a' });
    return body['id'] as string;
  };
  const webhookIds = {
    acme: await webhookIn('/admin/teams/acme/webhooks'),
    beta: await webhookIn('/admin/teams/beta/webhooks'),
    gateway: await webhookIn('/admin/webhooks'),
  };
  const { id: administratorId } = await make({ role: 'admin' });
  admin.nowMs = startMs + 2_000;
  return {
    admin,
    ask: (caller, method, path, body) => ask(admin, texts[caller], { method, path, body }),
    tokenIds: { acme: tokens.acme.id, beta: tokens.beta.id },
    webhookIds,
    administratorId,
    state: () => stateOf(admin),
  };
}

/** The same for all, so that answers can be compared. */
const requestId = 'made-request-id-0001';

async function ask(
  admin: Harness,
  credential: string | null,
  { method, path, body }: { method: string; path: string; body?: object | undefined },
): Promise<Asked> {
  const reply = await admin.app().request(path, {
    method,
    headers: { 'x-request-id': requestId, ...(credential === null ? {} : bearer(credential)) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await reply.text();
  const { error } = (text === '' ? {} : JSON.parse(text)) as { error?: { code: string } };
  return { status: reply.status, code: error?.code ?? null, text };
}

async function teamWithToken(admin: Harness, team: string): Promise<{ id: string; text: string }> {
  await admin.call('POST', '/admin/teams', { id: team });
  await admin.call('POST', `/admin/teams/${team}/users`, { id: 'ana' });
  const { body } = await admin.call('POST', `/admin/teams/${team}/tokens`, { user: 'ana' });
  return { id: body['id'] as string, text: body['token'] as string };
}

async function deleted(admin: Harness, { id, text }: { id: string; text: string }): Promise<string> {
  await admin.call('DELETE', `/admin/admins/${id}`);
  return text;
}

/** A session of acme's token, made as the gateway makes them. */
async function sessionOf(admin: Harness, token: string): Promise<string> {
  const { id, text, secretHash } = mintSessionToken(startMs + 900_000);
  const session = {
    id,
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    pinned: null,
    end_user: null,
    expires_at: new Date(startMs + 900_000).toISOString(),
    created_at: new Date(startMs).toISOString(),
  };
  const epoch = (await admin.epoch('acme')) ?? '';
  const parent = { team: 'acme', token, epoch, expiresAtMs: Infinity };
  const minted = await admin.sessions.mint({ session, secretHash, expiresAtMs: startMs + 900_000, parent });
  if (minted.kind !== 'minted') throw new Error(minted.kind);
  return text;
}

async function stateOf({ identities, administrators, prices, webhooks, sent }: Harness): Promise<string> {
  const kinds = ['user', 'token'] as const;
  const members = ['acme', 'beta'].flatMap((team) => kinds.map((kind) => identities.list(kind, team)));
  return JSON.stringify([
    await identities.list('team'),
    await Promise.all(members),
    await administrators.list(),
    await identities.readSettings(),
    await prices.all(),
    await webhooks.all(),
    sent,
  ]);
}
