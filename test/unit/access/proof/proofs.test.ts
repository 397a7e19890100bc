import { hash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { maxChecksUnderWay } from '../../../../src/access/proof/checks-under-way.ts';
import { Nonces } from '../../../../src/access/proof/nonces.ts';
import { inSchemeOf, proofRefusal } from '../../../../src/access/proof/proof-problem.ts';
import { covers, Proofs, type Proven } from '../../../../src/access/proof/proofs.ts';
import { makePrincipal } from '../../../../src/access/principal.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import type { SessionProof } from '../../../../src/base/session-proof.ts';
import type { Principal } from '../../../../src/identity/records/identity.ts';
import { makePageKey, type PageKey, type ProofOf } from '../../../support/page-key.ts';
import { identityOf, sessionOf } from '../identities.ts';

const text = 'tgs_the-text-of-a-session';
const url = 'https://gateway.example/v1/me';

let key: PageKey;
beforeAll(async () => {
  key = await makePageKey();
});

/** A session of a token that asks for this, bound to the key unless `jkt` says otherwise. */
function sessionFor(asked: SessionProof | null, jkt: string | null = key.jkt): Principal {
  const session = sessionOf(jkt === null ? {} : { cnf: { jkt } });
  const identity = identityOf({ token: asked === null ? {} : { session_proof: asked }, session });
  const secretHash = hash('sha256', text, 'base64url');
  return makePrincipal(identity, { secretHash, session: { id: 'ses_1', expiresAtMs: Infinity } });
}

function gateway(nowMs = Date.now()) {
  const clock = { nowMs };
  const taken: string[] = [];
  const nonces = new Nonces({ of: (hour) => Promise.resolve(String(hour)) }, () => clock.nowMs);
  const proofs = new Proofs({
    publicUrls: [],
    onDyno: true,
    nowMs: () => clock.nowMs,
    nonces,
    used: {
      take: async (session, jti, minute) => {
        if (taken.length >= 3) return 'full';
        const mark = `${session} ${jti} ${minute}`;
        return taken.includes(mark) ? 'used' : (taken.push(mark), 'taken');
      },
    },
  });
  const send = async (
    principal: Principal,
    of: Partial<ProofOf> | string = {},
    authorization = `DPoP ${text}`,
    address = '192.0.2.1',
  ): Promise<Proven | Refusal | null> => {
    const dpop = typeof of === 'string' ? of : await key.proof({ method: 'GET', url, token: text, ...of });
    const headers = { host: 'gateway.example', authorization, dpop };
    return proofs.check({ method: 'GET', url: '/v1/me', headers }, principal, address);
  };
  return { clock, nonces, proofs, send };
}

function refusalOf(result: Proven | Refusal | null): Refusal {
  if (result instanceof Refusal) return result;
  throw new Error('It was not refused.');
}

describe('a session that is bound to a key', () => {
  it('is taken with a proof by it', async () => {
    const { send } = gateway();
    const principal = sessionFor(null);
    expect(await send(principal)).toEqual({ rule: principal.proof, nextNonce: null });
    expect(await send(principal, {}, `dpop ${text}`)).toMatchObject({ nextNonce: null });
  });

  it.each([`Bearer ${text}`, ''])('is not taken as %j, even beside a proof', async (authorization) => {
    const refusal = refusalOf(await gateway().send(sessionFor(null), {}, authorization));
    expect(refusal).toMatchObject({ code: 'invalid_token', status: 401 });
    expect(refusal.headers['www-authenticate']).toBe(
      'DPoP error="invalid_token", algs="ES256 Ed25519 EdDSA RS256 PS256"',
    );
    expect(refusal.details.caller).toEqual({ team: 'acme', user: 'ana', token: 'tok_1' });
  });

  it('is not taken with a proof by another key', async () => {
    const refusal = refusalOf(await gateway().send(sessionFor(null, 'A'.repeat(43))));
    expect(refusal).toMatchObject({ code: 'invalid_dpop_proof', status: 401 });
    expect(refusal.headers['www-authenticate']).toContain('DPoP error="invalid_dpop_proof"');
  });

  it.each([
    ['without ath', { token: undefined }],
    ['for another session', { token: 'tgs_another' }],
    ['with an ath that is no text', { claims: { ath: 7 } }],
  ])('is not taken with a proof %s', async (_what, of) => {
    const refusal = refusalOf(await gateway().send(sessionFor(null), of as Partial<ProofOf>));
    expect(refusal.message).toContain('its ath');
  });

  it('is taken with a proof of the last two minutes by the clock of the store, and of the next two', async () => {
    const { clock, send } = gateway(1_900_000_000_000);
    const said = (iat: unknown) => send(sessionFor(null), { claims: { iat } });
    for (const off of [-120, 0, 120]) expect(await said(1_900_000_000 + off)).not.toBeInstanceOf(Refusal);
    clock.nowMs += 1_000;
    expect(refusalOf(await said(1_900_000_000 - 120)).message).toContain("121 s behind the gateway's clock");
    expect(refusalOf(await said(1_900_000_300)).message).toContain("299 s ahead of the gateway's clock");
    for (const iat of [undefined, '1900000000', null])
      expect(refusalOf(await said(iat)).message).toContain('its iat must be the time');
  });
});

describe('a thief who has a session and one of its proofs', () => {
  it('has a bounded number of signatures checked at once, and takes none of the room of the holder', async () => {
    const { send } = gateway();
    const [principal, other] = [sessionFor(null), sessionFor(null)];
    if (other.identity.session) other.identity.session.id = 'ses_2';
    const forged = (await key.proof({ method: 'GET', url, token: text })).replace(/[^.]+$/, 'A'.repeat(86));
    const flood = Array.from({ length: 100 }, () => send(principal, forged, undefined, '198.51.100.7'));
    const [holder, neighbour] = [send(principal), send(other, {}, undefined, '198.51.100.7')];
    const codes = (await Promise.all(flood)).map((refused) => refusalOf(refused).code);
    expect(codes.filter((code) => code === 'invalid_dpop_proof')).toHaveLength(maxChecksUnderWay);
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(100 - maxChecksUnderWay);
    expect(await holder).toMatchObject({ rule: principal.proof });
    expect(await neighbour).toMatchObject({ rule: other.proof });
    // Those that have ended count no more.
    expect(refusalOf(await send(principal, forged, undefined, '198.51.100.7')).code).toBe(
      'invalid_dpop_proof',
    );
  });

  it('is told to try again shortly', async () => {
    const { send } = gateway();
    const results = await Promise.all(Array.from({ length: 100 }, () => send(sessionFor(null), 'x.y.z')));
    const refusal = results.map(refusalOf).find(({ code }) => code === 'overloaded');
    expect(refusal?.headers).toEqual({ 'retry-after': '1' });
    expect(refusal?.details.caller).toEqual({ team: 'acme', user: 'ana', token: 'tok_1' });
  });
});

describe('a session that is bound to none', () => {
  it('is taken without a proof, or with one that nobody asked for', async () => {
    expect(await gateway().send(sessionFor(null, null), 'anything', `Bearer ${text}`)).toBeNull();
  });

  it('is not taken as if it were bound', async () => {
    const refusal = refusalOf(await gateway().send(sessionFor(null, null)));
    expect(refusal).toMatchObject({ code: 'invalid_token' });
    expect(refusal.message).toContain('bound to no key');
  });

  it('is not taken once its token asks for a key', async () => {
    for (const authorization of [`Bearer ${text}`, `DPoP ${text}`]) {
      const refusal = refusalOf(await gateway().send(sessionFor('required', null), {}, authorization));
      expect(refusal.message).toContain('must be bound to a key');
    }
  });
});

describe('a nonce, if the token asks for it', () => {
  it('is handed out with the refusal of a proof without one, and takes the place of the page’s clock', async () => {
    const { send } = gateway();
    const refusal = refusalOf(await send(sessionFor('nonce')));
    expect(refusal).toMatchObject({ code: 'use_dpop_nonce', status: 401 });
    const nonce = refusal.headers['dpop-nonce'] ?? '';
    expect(refusal.headers['www-authenticate']).toContain('DPoP error="use_dpop_nonce"');
    expect(await send(sessionFor('nonce'), { nonce, claims: { iat: 5 } })).toMatchObject({ nextNonce: null });
  });

  it('goes on for a while, and the answer has the next one', async () => {
    const { clock, nonces, send } = gateway();
    const nonce = await nonces.current();
    clock.nowMs += 60_000;
    const next = await nonces.current();
    expect(await send(sessionFor('nonce'), { nonce })).toMatchObject({ nextNonce: next });
    clock.nowMs += 120_000;
    const refusal = refusalOf(await send(sessionFor('nonce'), { nonce }));
    expect(refusal.message).toContain('needs a newer nonce');
  });

  it.each(['made-up', 7, {}])('is not taken if it is %j', async (nonce) => {
    expect(refusalOf(await gateway().send(sessionFor('once'), { claims: { nonce } })).code).toBe(
      'use_dpop_nonce',
    );
  });

  it('is not told to who has no key', async () => {
    const refusal = refusalOf(await gateway().send(sessionFor('nonce', 'A'.repeat(43))));
    expect(refusal.headers).not.toHaveProperty('dpop-nonce');
  });
});

describe('a proof that works once', () => {
  it('is refused the second time, and too many are in their turn', async () => {
    const { nonces, send } = gateway();
    const nonce = await nonces.current();
    const again = { nonce, claims: { jti: 'one' } };
    expect(await send(sessionFor('once'), again)).not.toBeInstanceOf(Refusal);
    expect(refusalOf(await send(sessionFor('once'), again))).toMatchObject({ code: 'invalid_dpop_proof' });
    expect(await send(sessionFor('nonce'), again)).not.toBeInstanceOf(Refusal);
    for (const jti of ['two', 'three']) await send(sessionFor('once'), { nonce, claims: { jti } });
    const refusal = refusalOf(await send(sessionFor('once'), { nonce, claims: { jti: 'four' } }));
    expect(refusal).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
    expect(Number(refusal.headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  it('takes no place if something else is wrong with it', async () => {
    const { nonces, send } = gateway();
    const nonce = await nonces.current();
    const jti = 'one';
    await send(sessionFor('once'), { nonce, claims: { jti }, token: 'tgs_other' });
    expect(await send(sessionFor('once'), { nonce, claims: { jti } })).not.toBeInstanceOf(Refusal);
  });
});

describe('what was proven', () => {
  const rule = { jkt: 'k', nonce: false, once: false };

  it('counts for no more than that, if the token asks for more meanwhile', () => {
    const proven = { rule, nextNonce: null };
    expect(covers(proven, rule)).toBe(true);
    for (const more of [{ nonce: true }, { once: true }, { jkt: null }, { jkt: 'other' }])
      expect(covers(proven, { ...rule, ...more })).toBe(false);
    expect(covers({ rule: { jkt: 'k', nonce: true, once: true }, nextNonce: null }, rule)).toBe(true);
    expect(covers(null, rule)).toBe(false);
  });
});

describe('a refused session that was sent with a proof', () => {
  const expired = new Refusal('expired_token', 'This session expired.');
  const challengeTo = (authorization: string | undefined, refusal = expired): string | undefined =>
    inSchemeOf(authorization, refusal).headers['www-authenticate'];

  it('is asked for another with a proof, whatever it died of', () => {
    expect(challengeTo(`DPoP ${text}`)).toBe(
      'DPoP error="invalid_token", algs="ES256 Ed25519 EdDSA RS256 PS256"',
    );
    const { code, message, headers } = inSchemeOf(`dpop ${text}`, expired);
    expect([code, message, headers['x-should-retry']]).toEqual([expired.code, expired.message, 'false']);
  });

  it.each([`Bearer ${text}`, 'DPoP tgk_a-token', undefined])('as nothing else: %s', (authorization) => {
    expect(challengeTo(authorization)).toBe('Bearer error="invalid_token"');
  });

  it('keeps what a refusal says itself, and what is no 401', () => {
    const own = proofRefusal({ error: 'use_dpop_nonce', message: 'x', nonce: 'n' });
    const other = new Refusal('suspended', 'x');
    for (const refusal of [own, other]) expect(inSchemeOf(`DPoP ${text}`, refusal)).toBe(refusal);
  });
});
