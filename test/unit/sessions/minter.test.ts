import { describe, expect, it } from 'vitest';
import { makePrincipal } from '../../../src/access/principal.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Principal, Token } from '../../../src/identity/records/identity.ts';
import { credentialOf, hashToken } from '../../../src/identity/records/token-text.ts';
import type { MintRequest, MintResult } from '../../../src/sessions/session-store.ts';
import { SessionMinter, type MintedSession } from '../../../src/sessions/minter.ts';
import type { NewSession } from '../../../src/sessions/schema.ts';
import { credentialFor, identityOf } from '../access/identities.ts';

const nowMs = Date.parse('2026-02-03T12:00:00.000Z');

function parent(token: Partial<Token> = {}): Principal {
  return makePrincipal(identityOf({ token }), credentialFor('hash'));
}

/** A minter whose store answers with `result`, and the requests that the store got. */
function minterFor(result: MintResult = { kind: 'minted' }): {
  minter: SessionMinter;
  requests: MintRequest[];
} {
  const requests: MintRequest[] = [];
  const minter = new SessionMinter({
    allowedOrigins: [],
    pinnedProblems: () => [],
    realModel: (id) => (id === 'alias' ? 'real' : id),
    storeNowMs: () => nowMs + 0.7,
    sessions: {
      mint: (request) => {
        requests.push(request);
        return Promise.resolve(result);
      },
    },
  });
  return { minter, requests };
}

async function minted(asked: NewSession, token: Partial<Token> = {}): Promise<MintedSession> {
  const result = await minterFor().minter.mint(parent(token), asked);
  if (result === 'stale' || result instanceof Refusal) throw new Error('no session');
  return result;
}

describe('the life of a session', () => {
  const at = (seconds: number): string => new Date(nowMs + seconds * 1_000).toISOString();

  it.each<[string, NewSession, string | null, number]>([
    ['15 minutes by default', {}, null, 900],
    ['as long as asked for', { expires_in: 60 }, null, 60],
    ['as long as the token if that is what was asked for', { expires_in: 60 }, at(60), 60],
    ['no longer than the token, by default', {}, at(60), 60],
    ['no longer than the token if null was asked for', { expires_in: null }, at(60), 60],
    ['nothing if the token has just expired', {}, at(-1), 0],
  ])('is %s', async (_, asked, tokenExpiresAt, livesS) => {
    const { record, livesS: actual } = await minted(asked, { expires_at: tokenExpiresAt });
    expect(actual).toBe(livesS);
    if (livesS > 0) expect(record.expires_at).toBe(at(livesS));
  });

  it('is refused if more than the token has left is asked for', async () => {
    const { minter, requests } = minterFor();
    const refusal = await minter.mint(parent({ expires_at: at(60) }), { expires_in: 61 });
    expect(refusal).toMatchObject({ code: 'wider_than_parent', details: { param: 'expires_in' } });
    expect(requests).toEqual([]);
  });
});

describe('the record of a session', () => {
  it('has the policy asked for with real models, and ids of limits that name the session', async () => {
    const { minter, requests } = minterFor();
    const asked: NewSession = {
      models: ['alias'],
      limits: [{ metric: 'concurrency', max: 1 }],
      end_user: 'eva',
    };
    const result = await minter.mint(parent(), asked);
    if (result === 'stale' || result instanceof Refusal) throw new Error('no session');
    const { text } = result;
    const { id } = result.record;
    expect(credentialOf(text)).toMatchObject({ session: { id, expiresAtMs: nowMs + 900_000 } });
    expect(requests).toEqual([
      {
        session: {
          id,
          models: ['real'],
          endpoints: null,
          origins: null,
          tools: null,
          limits: [{ id: `${id}/0`, metric: 'concurrency', max: 1 }],
          pinned: null,
          end_user: 'eva',
          expires_at: new Date(nowMs + 900_000).toISOString(),
          created_at: new Date(nowMs).toISOString(),
        },
        secretHash: hashToken(text),
        expiresAtMs: nowMs + 900_000,
        parent: { team: 'acme', token: 'tok_1', epoch: 'epoch-1', expiresAtMs: Infinity },
        keepsProofs: false,
      },
    ]);
    expect(result.record).toEqual(requests[0]?.session);
  });

  it('is for whoever signed in, whomever it is asked to name', async () => {
    const { minter, requests } = minterFor();
    await minter.mint(parent(), { end_user: 'eva' }, { id: 'oidc-7' });
    expect(requests).toMatchObject([{ session: { end_user: 'oidc-7' } }]);
  });

  it('is bound to the key that is asked for, and must be if the token says so', async () => {
    const cnf = { jkt: 'A'.repeat(43) };
    expect((await minted({ cnf })).record.cnf).toEqual(cnf);
    for (const session_proof of ['required', 'nonce', 'once'] as const) {
      const { minter, requests } = minterFor();
      const refusal = await minter.mint(parent({ session_proof }), {});
      expect(refusal).toMatchObject({ status: 400, details: { param: 'cnf' } });
      expect(requests).toEqual([]);
      await minter.mint(parent({ session_proof }), { cnf });
      expect(requests).toMatchObject([{ session: { cnf }, keepsProofs: session_proof === 'once' }]);
    }
  });

  it('is not stored if the policy is wider than that of the token', async () => {
    const { minter, requests } = minterFor();
    const refusal = await minter.mint(parent({ models: ['a'] }), { models: ['b'] });
    expect(refusal).toMatchObject({ code: 'model_not_allowed' });
    expect(requests).toEqual([]);
  });
});

describe('an answer of the store', () => {
  const later = (seconds: number) => ({ freeAtMs: nowMs + seconds * 1_000, nowMs });

  it('can ask to read the parent again', async () => {
    expect(await minterFor({ kind: 'stale' }).minter.mint(parent(), {})).toBe('stale');
  });

  it.each<[string, MintResult, object]>([
    ['expired', { kind: 'expired' }, { code: 'expired_token' }],
    [
      'too many this minute',
      { kind: 'too_many', bound: 'minute', max: 5, ...later(12.2) },
      {
        code: 'rate_limit_exceeded',
        details: {
          headers: { 'retry-after': '13' },
          limit: { scope: 'token', metric: 'sessions', window: 'minute', max: 5 },
        },
      },
    ],
    [
      'no room for long, so SDKs must not retry by themselves',
      { kind: 'too_many', bound: 'room', max: 9_000, ...later(61) },
      {
        code: 'rate_limit_exceeded',
        details: {
          headers: { 'retry-after': '61', 'x-should-retry': 'false' },
          limit: { metric: 'session_bytes', window: null, max: 9_000 },
        },
      },
    ],
    [
      'no room for the whole team',
      { kind: 'too_many', bound: 'team_room', max: 18_000, ...later(5) },
      { details: { limit: { scope: 'team', metric: 'session_bytes', window: null, max: 18_000 } } },
    ],
    [
      'free already: retry after a second at least',
      { kind: 'too_many', bound: 'room', max: 9_000, ...later(-5) },
      { details: { headers: { 'retry-after': '1' } } },
    ],
  ])('can refuse: %s', async (_, result, expected) => {
    const refusal = await minterFor(result).minter.mint(parent(), {});
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject(expected);
  });
});

describe('an end user who is suspended', () => {
  it('gets no session', async () => {
    const suspended_end_users = [{ end_user: 'ana', suspended_at: '2026-01-01T00:00:00.000Z' }];
    const { minter, requests } = minterFor();
    const of = makePrincipal(identityOf({ team: { suspended_end_users } }), credentialFor('hash'));
    expect(await minter.mint(of, { end_user: 'ana' })).toMatchObject({ code: 'suspended' });
    expect(requests).toEqual([]);
    await minter.mint(of, { end_user: 'bo' });
    expect(requests).toHaveLength(1);
  });
});
