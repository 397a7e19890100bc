import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { rotateToken, secretsOf } from '../../support/rotation.ts';
import { askSession, endSessions, mintSession } from '../../support/sessions.ts';

const app = 'https://app.example.com';

describe.each(['memory', 'redis'] as const)('rotation, store: %s', (store) => {
  let redis: SharedRedis | null = null;
  let gateway: TestGateway;
  /** Another process on the same store, where there can be one. */
  let other: TestGateway;
  /** The memory store's clock runs ahead of this. */
  let aheadMs = 0;
  const clock = {
    now: () => Date.now() + aheadMs,
    monotonic: () => performance.now() + aheadMs,
  };

  /** That of a machine whose time is wrong: what has ended seems to be alive, until the store says otherwise. */
  const lateClock = { ...clock, now: () => clock.now() - 60_000 };

  beforeAll(async () => {
    if (store === 'redis') redis = await sharedRedis();
    const env = { ALLOWED_ORIGINS: app };
    gateway = await startGateway({ ...(redis ? { redis } : {}), clock, env });
    other = redis
      ? await startGateway({
          redis,
          clock: lateClock,
          env,
          adminKey: gateway.adminKey,
          upstream: gateway.upstream,
        })
      : gateway;
  });

  afterAll(async () => {
    if (other !== gateway) await other.close();
    await gateway.close();
  });

  const chat = (token: string, at = gateway): Promise<Reply> =>
    post(`${at.url}${paths.chat}`, bodies.chat(), { token });
  const codeOf = (reply: Reply): string =>
    reply.status < 400 ? '200' : `${reply.status} ${errorOf(reply).code}`;
  const everywhere = async (token: string): Promise<string[]> => {
    const me = await Promise.all([gateway, other].map(({ url }) => get(`${url}/v1/me`, { token })));
    const chats = await Promise.all([gateway, other].map((at) => chat(token, at)));
    return [...new Set([...me, ...chats].map(codeOf))];
  };
  const rotateOwn = (token: string, body: object | string = '', at = gateway): Promise<Reply> =>
    post(`${at.url}/v1/me/rotate`, body, { token });
  /** Waits until a moment has passed by the clock of the store. */
  const until = async (atMs: number): Promise<void> => {
    if (store === 'memory') aheadMs += Math.max(0, atMs - clock.now());
    else await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now()) + 5));
  };

  describe('by an administrator', () => {
    it('leaves both secrets working, in processes that knew the old one and in others', async () => {
      const old = await gateway.issue();
      expect(await everywhere(old.text)).toEqual(['200']);
      const next = await rotateToken(gateway, old);
      for (const { text } of [old, next]) expect(await everywhere(text)).toEqual(['200']);
      const { json } = await get(`${other.url}/v1/me`, { token: next.text });
      expect(json['token']).toMatchObject({ id: old.id, prefix: next.text.slice(0, 12) });
    });

    it('ends the old one when the overlap ends, saying so, and not the new one', async () => {
      const old = await gateway.issue();
      await everywhere(old.text);
      const next = await rotateToken(gateway, old, 2);
      const [, shown] = await secretsOf(gateway, old);
      const endsMs = Date.parse(shown?.expires_at ?? '');
      for (let n = 0; n < 3 && clock.now() < endsMs - 1_000; n += 1) {
        expect(await everywhere(old.text)).toEqual(['200']);
      }
      await until(endsMs);
      for (const at of [gateway, other]) {
        const reply = await chat(old.text, at);
        expect(codeOf(reply)).toBe('401 expired_token');
        expect(errorOf(reply).message).toContain('rotated');
        expect(errorOf(reply).message).toContain(shown?.expires_at);
      }
      expect(await everywhere(old.text)).toEqual(['401 expired_token']);
      expect(await everywhere(next.text)).toEqual(['200']);
    });

    it('without an overlap ends it at once', async () => {
      const old = await gateway.issue();
      await everywhere(old.text);
      const next = await rotateToken(gateway, old, 0);
      expect(await everywhere(old.text)).toEqual(['401 expired_token']);
      expect(await everywhere(next.text)).toEqual(['200']);
    });

    it('again during an overlap ends the oldest at once', async () => {
      const old = await gateway.issue();
      const second = await rotateToken(gateway, old);
      await everywhere(old.text);
      const third = await rotateToken(other, old);
      const reply = await chat(old.text);
      expect([codeOf(reply), errorOf(reply).message]).toEqual([
        '401 expired_token',
        expect.stringContaining('rotated') as string,
      ]);
      expect(await everywhere(old.text)).toEqual(['401 expired_token']);
      expect(await everywhere(second.text)).toEqual(['200']);
      expect(await everywhere(third.text)).toEqual(['200']);
    });

    it('and revoking ends both', async () => {
      const old = await gateway.issue();
      const next = await rotateToken(gateway, old);
      for (const { text } of [old, next]) await everywhere(text);
      await gateway.admin('DELETE', `/admin/teams/${old.team}/tokens/${old.id}`);
      for (const { text } of [old, next]) expect(await everywhere(text)).toEqual(['401 revoked_token']);
    });

    it('and removing the user ends both', async () => {
      const old = await gateway.issue();
      const next = await rotateToken(gateway, old);
      for (const { text } of [old, next]) await everywhere(text);
      await gateway.admin('DELETE', `/admin/teams/${old.team}/users/${old.user}`);
      for (const { text } of [old, next]) expect(await everywhere(text)).toEqual(['401 invalid_token']);
    });

    it('keeps policy, limits and what is used of them', async () => {
      const limits = [{ metric: 'requests' as const, window: 'day' as const, max: 3 }];
      const old = await gateway.issue({ limits });
      await chat(old.text);
      const next = await rotateToken(gateway, old);
      await chat(next.text);
      await chat(old.text);
      for (const { text } of [old, next]) expect(codeOf(await chat(text))).toBe('429 insufficient_quota');
      const entries = await gateway.settled(old.team, 3);
      expect(new Set(entries.map(({ token_id: id }) => id))).toEqual(new Set([old.id]));
    });
  });

  describe('and sessions', () => {
    it('made with the old secret live on when it ends, and end with the token', async () => {
      const old = await gateway.issue();
      const before = await mintSession(gateway.url, old.text);
      const next = await rotateToken(gateway, old, 2);
      const during = await mintSession(other.url, old.text, { expires_in: 600 });
      expect(during.expires_in).toBeGreaterThan(590);
      const [, shown] = await secretsOf(gateway, old);
      await until(Date.parse(shown?.expires_at ?? ''));
      for (const { url } of [other, gateway]) {
        const refused = await askSession(url, old.text);
        expect([codeOf(refused), errorOf(refused).message]).toEqual([
          '401 expired_token',
          expect.stringContaining('rotated') as string,
        ]);
      }
      for (const { token } of [before, during]) expect(await everywhere(token)).toEqual(['200']);
      expect((await endSessions(gateway.url, next.text, '?all=true')).status).toBe(204);
      for (const { token } of [before, during])
        expect(await everywhere(token)).toEqual(['401 invalid_token']);
    });
  });

  describe('last uses', () => {
    it('tell for each secret whether anyone still uses it', async () => {
      const old = await gateway.issue();
      expect(await secretsOf(gateway, old)).toMatchObject([{ last_used_at: null }]);
      const beforeMs = clock.now();
      await chat(old.text);
      const [first] = await secretsOf(gateway, old);
      const usedMs = Date.parse(first?.last_used_at ?? '');
      expect(usedMs).toBeGreaterThanOrEqual(beforeMs - 50);
      expect(usedMs).toBeLessThanOrEqual(clock.now() + 50);

      const next = await rotateToken(gateway, old);
      expect(await secretsOf(gateway, old)).toMatchObject([
        { prefix: next.text.slice(0, 12), last_used_at: null },
        { prefix: old.text.slice(0, 12), last_used_at: first?.last_used_at },
      ]);
      await get(`${gateway.url}/v1/me`, { token: next.text });
      const [newest, older] = await secretsOf(gateway, old);
      expect(Date.parse(newest?.last_used_at ?? '')).toBeGreaterThanOrEqual(usedMs);
      expect(older?.last_used_at).toBe(first?.last_used_at);
    });

    it('are not moved by a session, or by what is refused', async () => {
      const token = await gateway.issue();
      const session = await mintSession(gateway.url, token.text);
      const [before] = await secretsOf(gateway, token);
      await chat(session.token);
      const next = await rotateToken(gateway, token, 0);
      await chat(token.text);
      await chat(token.text);
      expect(await secretsOf(gateway, token)).toMatchObject([
        { prefix: next.text.slice(0, 12), last_used_at: null },
        { last_used_at: expect.any(String) as string },
      ]);
      expect(before?.last_used_at).not.toBeNull();
    });

    if (store === 'redis')
      it('of a process that is asked to stop are not lost', async () => {
        if (!redis) return;
        const stopping = await startGateway({
          redis,
          adminKey: gateway.adminKey,
          upstream: gateway.upstream,
        });
        const token = await gateway.issue();
        await chat(token.text, stopping);
        expect(await secretsOf(gateway, token)).toMatchObject([{ last_used_at: null }]);
        await stopping.close();
        const [secret] = await secretsOf(gateway, token);
        expect(Math.abs(Date.parse(secret?.last_used_at ?? '') - Date.now())).toBeLessThan(60_000);
      });
  });

  describe('by the holder', () => {
    it('gives the new text once, and says when the old one ends', async () => {
      const old = await gateway.issue();
      const reply = await rotateOwn(old.text, { overlap_seconds: 3_600 });
      expect(reply.status).toBe(200);
      expect(reply.headers.get('cache-control')).toBe('no-store');
      const { token, old_expires_at, ...rest } = reply.json as Record<string, string>;
      expect(rest).toEqual({ id: old.id, prefix: token?.slice(0, 12) });
      expect(Math.abs(Date.parse(old_expires_at ?? '') - clock.now() - 3_600_000)).toBeLessThan(60_000);
      expect((await secretsOf(gateway, old)).map(({ expires_at: at }) => at)).toEqual([null, old_expires_at]);
      for (const text of [old.text, token ?? '']) expect(await everywhere(text)).toEqual(['200']);
    });

    it('takes a day where nothing is asked, and nothing that it does not know', async () => {
      const { text } = await gateway.issue();
      expect(codeOf(await rotateOwn(text, { overlap_seconds: -1 }))).toBe('400 invalid_body');
      expect(codeOf(await rotateOwn(text, { claim: true }))).toBe('400 invalid_body');
      expect(codeOf(await rotateOwn(text, '{'))).toBe('400 invalid_json');
      expect(codeOf(await rotateOwn(text, ' '.repeat(2_000)))).toBe('413 body_too_large');
      const { json } = await rotateOwn(text);
      const overlapMs = Date.parse(String(json['old_expires_at'])) - clock.now();
      expect(Math.abs(overlapMs - 86_400_000)).toBeLessThan(60_000);
    });

    it('is not for sessions, nor for whoever holds a secret that was rotated', async () => {
      const old = await gateway.issue();
      const session = await mintSession(gateway.url, old.text);
      expect(codeOf(await rotateOwn(session.token))).toBe('403 role_not_allowed');
      const next = await rotateToken(gateway, old);
      expect(codeOf(await rotateOwn(old.text))).toBe('403 role_not_allowed');
      expect(codeOf(await rotateOwn(next.text))).toBe('200');
    });

    it('is refused without a token, with a wrong method, and by its origin as all of /v1 is', async () => {
      const { text } = await gateway.issue();
      expect(codeOf(await post(`${gateway.url}/v1/me/rotate`, {}))).toBe('401 missing_token');
      expect(codeOf(await get(`${gateway.url}/v1/me/rotate`, { token: text }))).toBe(
        '405 method_not_allowed',
      );
      const from = (origin: string): Promise<Reply> =>
        post(`${gateway.url}/v1/me/rotate`, {}, { token: text, headers: { origin } });
      expect(codeOf(await from('https://evil.example.com'))).toBe('403 origin_not_allowed');
      const reply = await from(app);
      expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([200, app]);
    });

    it('is bounded by ten an hour, over all processes, and not for another token', async () => {
      const token = await gateway.issue();
      let { text } = token;
      for (let n = 0; n < 10; n += 1) {
        const { json } = await rotateOwn(text, '', n % 2 === 0 ? gateway : other);
        text = String(json['token']);
      }
      const reply = await rotateOwn(text);
      expect(codeOf(reply)).toBe('429 rate_limit_exceeded');
      expect(errorOf(reply).limit).toMatchObject({
        scope: 'token',
        metric: 'rotations',
        window: 'hour',
        max: 10,
      });
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(3_000);
      expect(reply.headers.get('x-should-retry')).toBe('false');
      expect(await everywhere(text)).toEqual(['200']);
      await rotateToken(gateway, token);
      expect(codeOf(await rotateOwn((await gateway.issue()).text))).toBe('200');
    });

    it('is not used up by whoever holds a secret that was rotated', async () => {
      const old = await gateway.issue();
      const next = await rotateToken(gateway, old);
      for (let n = 0; n < 11; n += 1)
        expect(codeOf(await rotateOwn(old.text, {}))).toBe('403 role_not_allowed');
      expect((await rotateOwn(next.text, {})).status).toBe(200);
    });

    it('lets one of many at once through: the others hold the old one by then', async () => {
      const token: IssuedToken = await gateway.issue();
      const replies = await Promise.all(Array.from({ length: 5 }, () => rotateOwn(token.text)));
      expect(replies.map(codeOf).sort()).toEqual(['200', ...Array<string>(4).fill('403 role_not_allowed')]);
    });
  });
});
