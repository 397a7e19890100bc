import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCode } from '../../../src/claims/sealed.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { errorOf, get, read, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { claimLink } from '../../support/rotation.ts';

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe.each(['memory', 'redis'] as const)('claim links, store: %s', (store) => {
  let redis: SharedRedis | null = null;
  let gateway: TestGateway;
  let holder: IssuedToken;
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs, monotonic: () => performance.now() };

  beforeAll(async () => {
    if (store === 'redis') redis = await sharedRedis();
    gateway = await startGateway({ ...(redis ? { redis } : {}), clock });
    holder = await gateway.issue();
  });

  afterAll(async () => {
    await gateway.close();
  });

  const press = async (url: string, headers: Record<string, string> = {}): Promise<Reply> =>
    read(await fetch(url, { method: 'POST', headers }));
  const codeOf = (reply: Reply): string => `${reply.status} ${errorOf(reply).code}`;

  /** As if the hour had passed. */
  async function expire(url: string): Promise<void> {
    if (store === 'memory') aheadMs += 3_600_001; // a key still lives in the millisecond that it expires in
    for (const key of ((await redis?.command('KEYS', '*:claim:*')) ?? []) as string[]) {
      expect(key).not.toContain(url.split('/').at(-1));
      await redis?.command('PEXPIRE', key, 0);
    }
  }

  it('are absolute, good for an hour, and give the token by POST, once', async () => {
    const { body } = await gateway.admin('POST', `/admin/teams/${holder.team}/tokens`, {
      user: holder.user,
      claim: true,
    });
    expect(body).not.toHaveProperty('token');
    const url = String(body['claim_url']);
    expect(url).toMatch(new RegExp(`^${gateway.url}/claim/[0-9a-f]{40}$`));
    expect(Math.abs(Date.parse(String(body['claim_expires_at'])) - clock.now() - 3_600_000)).toBeLessThan(
      60_000,
    );

    const opened = await press(url);
    expect(opened.status).toBe(200);
    const { token, ...rest } = opened.json as { token: string };
    expect(rest).toEqual({ id: body['id'], team: holder.team, user: holder.user });
    expect((await get(`${gateway.url}/v1/me`, { token })).status).toBe(200);

    for (const again of [await press(url), await get(url)]) {
      expect(codeOf(again)).toBe('410 already_claimed');
      expect(errorOf(again).message).toMatch(/opened at .* administrator/);
      expect(again.text).not.toContain(token);
    }
  });

  it('are not used up by looking: previews and prefetching only GET', async () => {
    const url = await claimLink(gateway, holder);
    for (let n = 0; n < 5; n += 1) {
      const seen = await get(url, { headers: { 'user-agent': 'Slackbot-LinkExpanding 1.0', ...html } });
      expect(seen.status).toBe(200);
      expect(seen.text).not.toContain('tgk_');
      const head = await fetch(url, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
      const told = await get(url);
      expect(told.json).toMatchObject({ expires_at: expect.any(String) as string });
      expect(told.text).not.toContain('tgk_');
    }
    expect((await press(url)).text).toContain('tgk_');
  });

  it('show people a page, before, once, and after', async () => {
    const url = await claimLink(gateway, holder);
    const before = await get(url, { headers: html });
    expect(before.headers.get('content-type')).toMatch(/^text\/html/);
    expect(before.text).toContain('<form method="post">');
    const shown = await press(url, html);
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
    expect(shown.text).toMatch(/<pre id="token"[^>]*>tgk_[0-9A-Za-z]{44}<\/pre>/);
    const after = await press(url, html);
    expect(after.status).toBe(410);
    expect(after.text).toMatch(/opened at .*administrator/s);
    expect(after.text).not.toContain('tgk_');
  });

  it('carry headers that keep the page to itself, whatever is answered', async () => {
    const url = await claimLink(gateway, holder);
    const replies = [
      await get(url),
      await get(url, { headers: html }),
      await press(url, html),
      await press(url, html),
      await press(url),
      await get(`${gateway.url}/claim/none`, { headers: html }),
    ];
    for (const { headers, text } of replies) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-robots-tag')).toContain('noindex');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; script-src 'sha256-[A-Za-z0-9+/]{43}='; /,
      );
      expect(policy).toContain("form-action 'self'");
      expect(policy).not.toContain('unsafe');
      expect(text).not.toContain(' src=');
      // Links lead to pages of the gateway only.
      const links = [...text.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);
      expect(links.filter((link) => link !== '/console' && link !== '/docs')).toEqual([]);
    }
  });

  it('are nothing once the hour is over', async () => {
    const url = await claimLink(gateway, holder);
    await expire(url);
    expect(codeOf(await get(url))).toBe('404 not_found');
    const pressed = await press(url);
    expect(codeOf(pressed)).toBe('404 not_found');
    expect(errorOf(pressed).message).toMatch(/expired .*Ask your administrator/);
  });

  it('are nothing where they are guessed, cut, or written otherwise', async () => {
    const url = await claimLink(gateway, holder);
    const base = `${gateway.url}/claim`;
    const code = url.split('/').at(-1) ?? '';
    const guesses = [
      newCode(),
      code.slice(1),
      `${code}0`,
      code.toUpperCase().replace(/^[0-9]*/, 'G'),
      '',
      `${code}/x`,
      '%00',
    ];
    for (const guess of guesses) {
      for (const reply of [await get(`${base}/${guess}`), await press(`${base}/${guess}`)]) {
        expect([guess, codeOf(reply)]).toEqual([guess, '404 not_found']);
      }
    }
    expect((await press(url)).status).toBe(200);
  });

  it('take no other method', async () => {
    const url = await claimLink(gateway, holder);
    for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
      const reply = await read(await fetch(url, { method }));
      expect([codeOf(reply), reply.headers.get('allow')]).toEqual([
        '405 method_not_allowed',
        'GET, HEAD, POST',
      ]);
    }
    expect((await press(url)).status).toBe(200);
  });

  it('give one of many at once the token', async () => {
    const url = await claimLink(gateway, holder);
    const replies = await Promise.all(Array.from({ length: 10 }, () => press(url)));
    expect(replies.map(({ status }) => `${status}`).sort()).toEqual(['200', ...Array<string>(9).fill('410')]);
  });

  it('leave no code in the log', async () => {
    const url = await claimLink(gateway, holder);
    await get(url);
    await press(url);
    await press(url);
    await fetch(url, { method: 'PUT' });
    expect(gateway.log()).not.toContain(url.split('/').at(-1));
    expect(gateway.log()).toContain('"path":"/claim/:code"');
  });

  if (store === 'redis')
    it('leave neither code nor token in the store', async () => {
      const url = await claimLink(gateway, holder);
      const keys = ((await redis?.command('KEYS', '*:claim:*')) ?? []) as string[];
      const kept = [];
      for (const key of keys) kept.push(await redis?.command('GET', key));
      expect(kept.length).toBeGreaterThan(0); // it was looked for in the right place
      const dump = JSON.stringify([keys, kept]);
      const { json } = await press(url);
      expect(json['token']).toMatch(/^tgk_/);
      for (const secret of [url.split('/').at(-1) ?? '', String(json['token'])])
        expect(dump).not.toContain(secret);
    });
});
