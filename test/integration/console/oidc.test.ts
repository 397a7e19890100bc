import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsoleClient, TrustedIssuer } from '../../../src/config/issuer.ts';
import { cookieIn } from '../../support/console-session.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { parseResponse, rawRequest, requestText } from '../../support/http.ts';
import { makeKey, type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { OidcVisitor } from '../../support/oidc-visitor.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

const secret = 'canary-client-secret';
const clock = new TurnedClock();
let redis: SharedRedis;
let provider: OidcIssuer;
let partner: OidcIssuer;
let gone: OidcIssuer;
let broken: OidcIssuer;
let gateway: TestGateway;
let visitor: OidcVisitor;
let people = 0;

beforeAll(async () => {
  redis = await sharedRedis();
  [provider, partner, gone, broken] = await Promise.all([
    startIssuer(),
    startIssuer(),
    startIssuer(),
    startIssuer(),
  ]);
  gone.setDown();
  delete broken.discovery['token_endpoint'];
  partner.codeFlow.clientSecret = secret;
  gateway = await start();
  visitor = new OidcVisitor(gateway.url);
  await Promise.all(['acme', 'beta'].map((id) => gateway.admin('POST', '/admin/teams', { id })));
  for (const { codeFlow } of [provider, partner])
    codeFlow.redirectUris.add(`${gateway.url}/console/callback`);
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([provider, partner, gone, broken].map((each) => each.close()));
});

function start(changes: Partial<ConsoleClient> = {}, adminKey?: string): Promise<TestGateway> {
  const issuers = [
    withConsole({ issuer: provider.url, isPublic: false, users: 'create' }, { label: 'Acme', ...changes }),
    withConsole({ issuer: partner.url }, { label: 'Partner', clientSecret: secret, roles: [] }),
    withConsole({ issuer: gone.url }, { label: 'Gone' }),
    withConsole({ issuer: broken.url }, { label: 'Broken' }),
    trustedIssuer(),
  ];
  return startGateway({ redis, clock, env: patient, issuers, ...(adminKey ? { adminKey } : {}) });
}

function withConsole(fields: Partial<TrustedIssuer>, client: Partial<ConsoleClient>): TrustedIssuer {
  const limits = [{ metric: 'requests', window: 'hour', max: 7 }];
  return trustedIssuer({
    session: { limits, expires_in: 120, pinned: { model: 'claude-3-5-haiku', max_tokens: 5 } },
    ...fields,
    console: {
      clientId: 'the-console',
      clientSecret: null,
      scopes: ['openid', 'email'],
      label: 'Some',
      roles: [
        { claim: 'groups', values: ['boss'], role: 'admin', teams: null },
        { claim: 'groups', values: ['acme-lead'], role: 'team-admin', teams: ['acme'] },
        { claim: 'groups', values: ['beta-lead'], role: 'team-admin', teams: ['beta'] },
        { claim: 'groups', values: ['reader'], role: 'auditor', teams: ['acme'] },
      ],
      ...client,
    },
  });
}

const person = (claims: Record<string, unknown> = {}) => ({ sub: `sub-${(people += 1)}`, ...claims });
const signIn = (claims: Record<string, unknown>) => visitor.signIn(provider, 'Acme', person(claims));

describe('signing in to the console with a provider', () => {
  it('makes an administrator of whoever has the claim, and the audit trail names them', async () => {
    const claims = { groups: ['boss', 'reader'], email: 'ada@acme.example', email_verified: true };
    const { response, session } = await signIn(claims);
    expect([response.status, response.headers.get('location')]).toEqual([303, '/console']);
    const [own = '', other = ''] = response.headers.getSetCookie();
    expect(own).toMatch(/^__Host-tollgate=[\w-]{43}; Max-Age=28800; .*; Secure; HttpOnly; SameSite=Strict$/);
    expect(other).toMatch(/^__Host-tollgate-sign-in=; Max-Age=0; /);
    const { body } = (await session?.ask('GET', '/session')) ?? {};
    expect(body).toMatchObject({
      session: { kind: 'administrator', role: 'admin', name: 'ada@acme.example', teams: null },
    });
    const id = String((body?.['session'] as { id?: string } | undefined)?.id);
    expect(id).toMatch(/^oidc-[0-9a-f]{32}$/);
    expect((await session?.ask('POST', '/admin/teams', { id: 'by-ada' }))?.status).toBe(201);
    const audit = await gateway.admin('GET', `/admin/audit?actor=${id}`);
    expect(audit.body['data']).toMatchObject([{ operation: 'team.create', actor: id }]);
    expect((await session?.ask('GET', '/admin/admins'))?.status).toBe(403); // root's alone
  });

  it('limits a team-admin to the teams of all rules that are met, and an auditor to reading', async () => {
    const [lead, both, reader] = [
      (await signIn({ groups: 'acme-lead' })).session,
      (await signIn({ groups: ['beta-lead', 'acme-lead'] })).session,
      (await signIn({ groups: ['reader'] })).session,
    ];
    const statuses = async (...asked: Parameters<NonNullable<typeof lead>['ask']>) =>
      Promise.all([lead, both, reader].map(async (each) => (await each?.ask(...asked))?.status));
    expect(await statuses('GET', '/admin/teams/acme')).toEqual([200, 200, 200]);
    expect(await statuses('GET', '/admin/teams/beta')).toEqual([403, 200, 403]);
    expect(await statuses('PATCH', '/admin/teams/acme', { name: 'Ours' })).toEqual([403, 403, 403]);
    const made = await lead?.ask('POST', '/admin/teams/acme/users', { id: 'made-by-lead' });
    expect(made?.status).toBe(201);
    expect((await reader?.ask('POST', '/admin/teams/acme/users', { id: 'by-reader' }))?.status).toBe(403);
  });

  it('shows others the page of the token behind their sign-in, within what the entry gives', async () => {
    const { session } = await signIn({ groups: ['staff'] });
    expect((await session?.ask('GET', '/session'))?.body).toMatchObject({
      session: { kind: 'token', role: 'holder', team: 'acme' },
    });
    expect((await session?.ask('GET', '/v1/me'))?.body).toMatchObject({ team: { id: 'acme' } });
    expect((await session?.ask('GET', '/admin/teams'))?.status).toBe(403);
    expect((await session?.ask('POST', '/v1/me/rotate', {}))?.status).toBe(412); // it has no secret
    const minted = await session?.ask('POST', '/v1/sessions', { expires_in: 900 });
    expect(minted?.body).toMatchObject({
      expires_in: 120,
      end_user: expect.stringMatching(/^oidc-[0-9a-f]{32}$/) as unknown, // whom limits and entries go by
      limits: [{ metric: 'requests', max: 7 }],
      pinned: { model: 'claude-3-5-haiku', max_tokens: 5 },
    });
    const limits = [{ metric: 'requests', window: 'day', max: 1 }];
    for (const wanted of [{ limits }, { end_user: 'somebody' }]) {
      expect((await session?.ask('POST', '/v1/sessions', wanted))?.status).toBe(403);
    }
  });

  it('lets in whom the administrator knows, and tells others why not', async () => {
    const sub = 'partner-1';
    const subject = { issuer: partner.url, sub };
    await gateway.admin('POST', '/admin/teams/acme/users', { id: 'known', subject });
    const known = await visitor.signIn(partner, 'Partner', { sub }); // with the client's secret
    expect((await known.session?.ask('GET', '/v1/me'))?.body).toMatchObject({ user: { id: 'known' } });
    const unknown = await visitor.signIn(partner, 'Partner', { sub: 'partner-2', groups: ['boss'] });
    expect(unknown.session).toBeNull();
    expect(unknown.problem).toMatch(/no user here for this account.* Ask the operator/);
    await gateway.admin('PATCH', '/admin/teams/acme/users/known', { subject: null });
    expect((await known.session?.ask('GET', '/v1/me'))?.status).toBe(401);
  });

  it('ends the session when the token is revoked, and lists it among the person’s own', async () => {
    const { session } = await signIn({});
    const listed = await session?.ask('GET', '/sessions');
    expect(listed?.body['data']).toMatchObject([{ is_this: true }]);
    const { body } = (await session?.ask('GET', '/v1/me')) ?? {};
    const id = (body?.['token'] as { id?: string } | undefined)?.id;
    await gateway.admin('DELETE', `/admin/teams/acme/tokens/${id}`);
    expect((await session?.ask('GET', '/v1/me'))?.status).toBe(401);
  });

  it('goes on at another process, and ends when the roles of the entry change', async () => {
    const roles = [{ claim: 'groups', values: ['boss'], role: 'auditor', teams: null } as const];
    const [same, changed] = await Promise.all([
      start({ label: 'Acme!' }, gateway.adminKey),
      start({ roles }),
    ]);
    try {
      provider.codeFlow.claims = person({ groups: ['boss'] });
      const { session } = await new OidcVisitor(same.url).end(await visitor.goThere('Acme'));
      const at = async ({ url }: TestGateway): Promise<number> => {
        const headers = { cookie: session?.cookie ?? '', 'sec-fetch-site': 'same-origin' };
        return (await fetch(`${url}/console/api/admin/teams`, { headers })).status;
      };
      expect([await at(gateway), await at(same)]).toEqual([200, 200]);
      expect([await at(changed), await at(gateway)]).toEqual([401, 401]);
    } finally {
      await Promise.all([same.close(), changed.close()]);
    }
  });
});

describe('a sign-in with a provider is refused', () => {
  const notBegun = /did not begin in this browser/;

  it('without the cookie it began with, or with that of another', async () => {
    provider.codeFlow.claims = person({ groups: ['boss'] });
    const [mine, theirs] = [await visitor.goThere('Acme'), await visitor.goThere('Acme')];
    const before = provider.codeFlow.exchanges;
    for (const cookie of [
      '',
      theirs.cookie,
      mine.cookie.replace(/.{40}$/, 'A'.repeat(40)),
      '__Host-tollgate-sign-in=b.1.x',
    ]) {
      const { session, problem } = await visitor.end({ ...mine, cookie });
      expect([session, problem], cookie).toEqual([null, expect.stringMatching(notBegun)]);
    }
    expect(provider.codeFlow.exchanges).toBe(before); // no code was wasted
    expect((await visitor.end(mine)).session).not.toBeNull();
  });

  it('with a state that was changed, left out or repeated', async () => {
    const changes = [
      (query: URLSearchParams) => query.set('state', 'other'),
      (query: URLSearchParams) => query.delete('state'),
      (query: URLSearchParams) => query.append('state', query.get('state') ?? ''),
      (query: URLSearchParams) => query.append('code', 'another'),
    ];
    for (const change of changes) {
      const back = await visitor.goThere('Acme');
      change(back.callback.searchParams);
      const { session, problem } = await visitor.end(back);
      expect(session).toBeNull();
      expect(problem).not.toBeNull();
    }
  });

  it('if it is replayed', async () => {
    provider.codeFlow.claims = person({ groups: ['boss'] });
    const back = await visitor.goThere('Acme');
    expect((await visitor.end(back)).session).not.toBeNull();
    const again = await visitor.end(back);
    expect(again.session).toBeNull();
    expect(again.problem).toMatch(/used already, or has expired/);
    expect(gateway.log()).toMatch(
      /"path":"\/console\/callback","status":303,[^\n]*"error_code":"invalid_token"/,
    );
  });

  it("if the code is another sign-in's: the verifier does not fit", async () => {
    const [mine, theirs] = [await visitor.goThere('Acme'), await visitor.goThere('Acme')];
    mine.callback.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
    const { session, problem } = await visitor.end(mine);
    expect([session, problem]).toEqual([null, expect.stringMatching(/used already/)]);
  });

  it.each([
    ['another nonce', { nonce: 'other' }, /not for this sign-in/],
    ['no nonce', { nonce: undefined }, /Ask the operator/],
    ['another client', { aud: 'client-1' }, /not for this sign-in/],
    ['another issuer', { iss: 'https://elsewhere.example' }, /not for this sign-in/],
    ['a past expiry', { exp: 1_700_000_000 }, /expired/],
  ])('if the ID token has %s', async (_what, claims, why) => {
    const { session, problem } = await signIn({ groups: ['boss'], ...claims });
    expect(session).toBeNull();
    expect(problem).toMatch(why);
  });

  it('if its signature is not by the key that the issuer publishes', async () => {
    provider.codeFlow.key = await makeKey('RS256', provider.key('RS256').kid);
    const { session, problem } = await signIn({ groups: ['boss'] });
    provider.codeFlow.key = null;
    expect([session, problem]).toEqual([null, expect.stringMatching(/^The signature of the ID token/)]);
  });

  it('if the answer is another issuer’s (RFC 9207)', async () => {
    provider.codeFlow.claims = person({ groups: ['boss'] });
    const before = provider.codeFlow.exchanges;
    provider.codeFlow.sentIssuer = partner.url;
    const mixedUp = await visitor.end(await visitor.goThere('Acme'));
    provider.codeFlow.sentIssuer = provider.url;
    const own = await visitor.end(await visitor.goThere('Acme'));
    provider.codeFlow.sentIssuer = undefined;
    expect([mixedUp.session, mixedUp.problem]).toEqual([null, expect.stringMatching(notBegun)]);
    expect(own.session).not.toBeNull();
    expect(provider.codeFlow.exchanges).toBe(before + 1);
  });

  it('if it took longer than ten minutes', async () => {
    const back = await visitor.goThere('Acme');
    clock.aheadMs += 601_000;
    expect(await visitor.end(back)).toMatchObject({
      session: null,
      problem: expect.stringMatching(notBegun),
    });
    clock.aheadMs -= 601_000;
  });

  it('if the provider says no, without a word of its answer', async () => {
    for (const [error, why] of [
      ['access_denied', /did not sign you in/],
      ['<canary>', /Ask the operator/],
    ] as const) {
      provider.codeFlow.error = error;
      const { response, problem } = await visitor.end(await visitor.goThere('Acme'));
      provider.codeFlow.error = null;
      expect(problem).toMatch(why);
      expect([response.status, response.headers.get('location')]).toEqual([303, '/console']);
    }
    expect(gateway.log()).not.toContain('<canary>');
  });

  it('if another site began it, or for a provider that is not there', async () => {
    for (const begun of [
      await visitor.press('Acme', { 'sec-fetch-site': 'cross-site' }),
      await visitor.press('Nobody'),
    ]) {
      expect([begun.status, begun.headers.get('location')]).toEqual([303, '/console']);
      expect(begun.headers.getSetCookie()).toEqual([]);
    }
  });

  it('at an address that is not registered with the provider, whatever the Host says', async () => {
    const { issuers } = await visitor.boot();
    const request = requestText({ path: issuers[0]?.href ?? '', headers: { host: 'evil.example' } });
    const answer = parseResponse(await rawRequest(gateway.port, request));
    const url = new URL(answer.header('location') ?? '');
    expect(url.searchParams.get('redirect_uri')).toBe('http://evil.example/console/callback');
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(400);
  });

  it('tells what is wrong with the client in the log, and nothing of a secret', async () => {
    partner.codeFlow.clientSecret = 'another';
    const { problem } = await visitor.signIn(partner, 'Partner', { sub: 'partner-1' });
    partner.codeFlow.clientSecret = secret;
    expect(problem).toMatch(/^Partner does not accept the sign-in of this gateway/);
    expect(gateway.log()).toContain('invalid_client');
    // A JWT begins so.
    for (const word of [secret, 'eyJ']) expect(gateway.log()).not.toContain(word);
  });

  it('while the provider is away, and says so', async () => {
    const problemAt = async (label: string): Promise<string | null> => {
      const begun = await visitor.press(label);
      return (await visitor.boot(cookieIn(begun))).problem;
    };
    expect(await problemAt('Gone')).toMatch(/^Gone cannot be reached at the moment/);
    expect(await problemAt('Broken')).toMatch(/^Broken does not accept/);
  });
});

describe('GET /admin/issuers', () => {
  it('shows what is trusted, without secrets or what sessions pin', async () => {
    const { status, body } = await gateway.admin('GET', '/admin/issuers');
    expect(status).toBe(200);
    expect(body['data']).toMatchObject([
      {
        issuer: provider.url,
        users: 'create',
        team: 'acme',
        session: { pinned: ['model', 'max_tokens'] },
        console: {
          label: 'Acme',
          client_id: 'the-console',
          has_secret: false,
          redirect_uri: `${gateway.url}/console/callback`,
          roles: [
            { role: 'admin', teams: null },
            { teams: ['acme'] },
            { teams: ['beta'] },
            { role: 'auditor' },
          ],
        },
      },
      { issuer: partner.url, console: { has_secret: true } },
      { issuer: gone.url },
      { issuer: broken.url },
      { console: null },
    ]);
    expect(JSON.stringify(body)).not.toContain(secret);
  });
});
