import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createTollgate,
  SessionError,
  type Tollgate,
  type TollgateOptions,
  type TollgateSession,
} from '../../../client/index.js';
import { sendError, startPretendGateway, type PretendGateway } from '../../support/pretend-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

const start = Date.parse('2026-03-01T12:00:00Z');

let gateway: PretendGateway;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: start });
  gateway = await startPretendGateway();
});
afterEach(async () => {
  vi.useRealTimers();
  await gateway.close();
});

function client(options: Partial<TollgateOptions> = {}): Tollgate {
  return createTollgate({ url: gateway.origin, getSession: gateway.getSession, ...options });
}

/** The token a request arrived with. */
async function tokenOf(tollgate: typeof fetch): Promise<string> {
  const answer = await tollgate('/v1/models');
  return ((await answer.json()) as { token: string }).token;
}

/** Moves the visitor's clock to so many seconds after the start. */
function at(seconds: number): void {
  vi.setSystemTime(start + seconds * 1_000);
}

/** A `getSession` that gives nothing until it is told to. */
function heldBack(): { getSession: () => Promise<TollgateSession>; calls: () => number; give: () => void } {
  let calls = 0;
  const gate = Promise.withResolvers<void>();
  const getSession = async (): Promise<TollgateSession> => {
    calls += 1;
    await gate.promise;
    return gateway.getSession();
  };
  return { getSession, calls: () => calls, give: () => gate.resolve() };
}

describe('a session', () => {
  it('is obtained at first use, not before', async () => {
    const tollgate = client();
    expect(gateway.sessionsGiven).toBe(0);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
  });

  it('serves every request until it is renewed', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    at(269);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    expect(gateway.sessionsGiven).toBe(1);
  });

  it('is obtained once for all that need it at once', async () => {
    const { getSession, calls, give } = heldBack();
    const tollgate = client({ getSession });
    const tokens = Promise.all(Array.from({ length: 20 }, () => tokenOf(tollgate)));
    await waitFor(() => calls() > 0, { what: 'the first to ask' });
    give();
    expect(new Set(await tokens)).toEqual(new Set(['tgs_1']));
    expect(calls()).toBe(1);
  });

  it('that could not be obtained fails all who wait for it, and the next request tries again', async () => {
    const getSession = vi
      .fn(gateway.getSession)
      .mockRejectedValueOnce(new Error('signed out'))
      .mockImplementationOnce(() => {
        throw new Error('not even a promise');
      });
    const tollgate = client({ getSession });
    const results = await Promise.allSettled([tollgate('/a'), tollgate('/b')]);
    expect(results).toMatchObject([
      { reason: { message: 'signed out' } },
      { reason: { message: 'signed out' } },
    ]);
    await expect(tollgate('/c')).rejects.toThrow('not even a promise');
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    expect(getSession).toHaveBeenCalledTimes(3);
  });

  it.each([undefined, null, {}, { token: '' }, { error: { code: 'invalid_token' } }])(
    'without a token, %j, is a TypeError',
    async (given) => {
      const tollgate = client({ getSession: async () => given as unknown as { token: string } });
      await expect(tollgate('/v1/models')).rejects.toThrow(new TypeError('getSession() gave no token.'));
      expect(gateway.arrived).toEqual([]);
    },
  );
});

describe('a response of getSession', () => {
  const give = (body: unknown, init?: ResponseInit): Tollgate =>
    client({ getSession: async () => Response.json(body, init) });

  it.each([
    ['of /v1/sessions', { token: 'tgs_own', expires_in: 60 }],
    ['of /oauth/token', { access_token: 'tgs_own', token_type: 'Bearer', expires_in: 60 }],
  ])('%s is the session', async (_name, body) => {
    expect(await tokenOf(give(body))).toBe('tgs_own');
  });

  it.each([
    [{ error: { code: 'not_signed_in', message: 'Sign in first.' } }, 'not_signed_in', 'Sign in first.'],
    [{ error: 'access_denied', error_description: 'Not you.' }, 'access_denied', 'Not you.'],
    [['what?'], 'http_403', 'The server answered 403.'],
  ])('that is an error, %j, is thrown with its own text', async (body, code, message) => {
    const failed = await give(body, { status: 403 })('/v1/models').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(SessionError);
    expect(failed).toMatchObject({ name: 'SessionError', status: 403, code, message });
    expect(gateway.arrived).toEqual([]);
  });

  it('says when to try again', async () => {
    const body = { error: { code: 'rate_limit_exceeded', message: 'Later.' } };
    const failed = give(body, { status: 429, headers: { 'retry-after': '7' } })('/v1/models');
    await expect(failed).rejects.toMatchObject({ name: 'SessionError', retryAfterMs: 7_000 });
  });

  it('that is no JSON has no token', async () => {
    const tollgate = client({ getSession: async () => new Response('<!doctype html>') });
    await expect(tollgate('/v1/models')).rejects.toThrow('getSession() gave no token.');
  });
});

describe('the end of a session', () => {
  it('is told to the gateway, and the next request gets another', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    await tollgate.end();
    expect(gateway.arrived.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/sessions', token: 'tgs_1' });
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it('is nothing if there is none, and no failure if the gateway is away', async () => {
    const tollgate = client();
    await tollgate.end();
    expect(gateway.arrived).toEqual([]);
    await tokenOf(tollgate);
    await gateway.close();
    await tollgate.end();
    gateway = await startPretendGateway();
  });

  it('holds for one that is on its way', async () => {
    const { getSession, calls, give } = heldBack();
    const tollgate = client({ getSession });
    const first = tokenOf(tollgate);
    await waitFor(() => calls() === 1, { what: 'the first to ask' });
    await tollgate.end();
    give();
    expect(await first).toBe('tgs_1');
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });
});

describe('renewal before expiry', () => {
  it.each([
    { life: 300, renewBeforeMs: undefined, good: 269.9, due: 270 },
    { life: 3_600, renewBeforeMs: undefined, good: 3_539.9, due: 3_540 },
    { life: 300, renewBeforeMs: 120_000, good: 179.9, due: 180 },
    { life: 300, renewBeforeMs: 900_000, good: 149.9, due: 150 },
  ])('of a $life s session, with renewBeforeMs $renewBeforeMs, is due after $due s', async (row) => {
    gateway.fields = { expires_in: row.life };
    const { renewBeforeMs } = row;
    const tollgate = client(renewBeforeMs === undefined ? {} : { renewBeforeMs });
    await tokenOf(tollgate);
    at(row.good);
    await tokenOf(tollgate);
    expect(gateway.sessionsGiven).toBe(1);
    at(row.due);
    await tokenOf(tollgate);
    await waitFor(() => gateway.sessionsGiven === 2, { what: 'the renewal' });
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it('delays no request while the session is good, and is shared', async () => {
    const { getSession, calls, give } = heldBack();
    let inner = gateway.getSession;
    const tollgate = client({ getSession: () => inner() });
    await tokenOf(tollgate);
    inner = getSession;
    at(280);
    expect(await Promise.all([tokenOf(tollgate), tokenOf(tollgate)])).toEqual(['tgs_1', 'tgs_1']);
    expect(calls()).toBe(1);
    give();
    await waitFor(async () => (await tokenOf(tollgate)) === 'tgs_2', { what: 'the new session' });
    expect(calls()).toBe(1);
  });

  it('is waited for with a second or less to go', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    at(299);
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it('that fails harms nothing while the session is good, and is tried by the next request', async () => {
    const getSession = vi.fn(gateway.getSession);
    const tollgate = client({ getSession });
    await tokenOf(tollgate);
    getSession.mockRejectedValueOnce(new Error('back end is down'));
    at(280);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    await tokenOf(tollgate);
    await waitFor(async () => (await tokenOf(tollgate)) === 'tgs_2', { what: 'the new session' });
    getSession.mockRejectedValueOnce(new Error('back end is down'));
    at(600);
    await expect(tollgate('/v1/models')).rejects.toThrow('back end is down');
  });
});

describe('the life of a session', () => {
  it('counts from when it was asked for', async () => {
    const tollgate = client({
      getSession: () => {
        const given = gateway.getSession();
        if (gateway.sessionsGiven === 1) at(200); // a slow back end
        return given;
      },
    });
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    at(299.5);
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it.each([-86_400, 86_400])(
    'is told by expires_in, whatever a clock %d s wrong makes of expires_at',
    async (off) => {
      gateway.fields = { expires_in: 300, expires_at: new Date(start - off * 1_000 + 300_000).toISOString() };
      const tollgate = client();
      await tokenOf(tollgate);
      at(269);
      expect(await tokenOf(tollgate)).toBe('tgs_1');
      at(299.5);
      expect(await tokenOf(tollgate)).toBe('tgs_2');
    },
  );

  it('that a clock set back makes longer ends when it is refused', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    at(-86_400);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    gateway.expire('tgs_1');
    expect(await tokenOf(tollgate)).toBe('tgs_2');
    at(-86_400 + 299.5);
    expect(await tokenOf(tollgate)).toBe('tgs_3');
  });

  it('is told by expires_at where there is no expires_in', async () => {
    gateway.fields = { expires_at: '2026-03-01T12:05:00.000Z' };
    const tollgate = client();
    await tokenOf(tollgate);
    at(269);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    at(301);
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it.each([
    ['neither', {}],
    ['an expires_at the clock is already past', { expires_at: '2026-03-01T11:00:00Z' }],
    ['an expires_at that is no time', { expires_at: 'soon' }],
    ['an expires_in of 0', { expires_in: 0 }],
  ])('with %s lasts until it is refused', async (_name, fields) => {
    gateway.fields = fields;
    const tollgate = client();
    await tokenOf(tollgate);
    at(1_000_000);
    expect(await tokenOf(tollgate)).toBe('tgs_1');
    gateway.expire('tgs_1');
    expect(await tokenOf(tollgate)).toBe('tgs_2');
    expect(gateway.sessionsGiven).toBe(2);
  });
});

describe('a session the gateway refuses as expired', () => {
  it('is renewed, and the request sent again with the new one', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    gateway.expire('tgs_1');
    expect(await tokenOf(tollgate)).toBe('tgs_2');
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_1', 'tgs_2']);
  });

  it('is renewed once a request, not twice', async () => {
    gateway.expire('tgs_1', 'tgs_2', 'tgs_3');
    const answer = await client()('/v1/models');
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'expired_token' } });
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
  });

  it('is renewed once for 50 requests at a time', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    gateway.expire('tgs_1');
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf(tollgate)));
    expect(new Set(tokens)).toEqual(new Set(['tgs_2']));
    expect(gateway.sessionsGiven).toBe(2);
  });

  it('is not renewed by a request that learns of it after another has done so', async () => {
    const tollgate = client();
    await tokenOf(tollgate);
    const late = Promise.withResolvers<void>();
    gateway.answer = ({ path, token }, response) => {
      if (path !== '/late' || token !== 'tgs_1') return void response.end('{}');
      void late.promise.then(() => sendError(response, 401, 'expired_token'));
    };
    const slow = tollgate('/late');
    await waitFor(() => gateway.arrived.some(({ path }) => path === '/late'), { what: 'the slow request' });
    gateway.expire('tgs_1');
    await tollgate('/v1/models');
    late.resolve();
    expect((await slow).status).toBe(200);
    expect(gateway.arrived.at(-1)).toMatchObject({ path: '/late', token: 'tgs_2' });
    expect(gateway.sessionsGiven).toBe(2);
  });

  it('and cannot be renewed is the failure of that, for every request', async () => {
    const getSession = vi.fn(gateway.getSession);
    const tollgate = client({ getSession });
    await tokenOf(tollgate);
    gateway.expire('tgs_1');
    getSession.mockRejectedValueOnce(new Error('signed out'));
    await expect(tollgate('/v1/models')).rejects.toThrow('signed out');
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });

  it.each(['invalid_token', 'revoked_token'])('but not a 401 %s, which is handed through', async (code) => {
    gateway.answer = (_arrived, response) => sendError(response, 401, code);
    const answer = await client()('/v1/models');
    expect(await answer.json()).toMatchObject({ error: { code } });
    expect(gateway.arrived).toHaveLength(1);
    expect(gateway.sessionsGiven).toBe(1);
  });

  it.each(['', 'Unauthorized', 'null', '{"error":"expired_token"}'])(
    'but not a 401 that says %j, which is handed through whole',
    async (text) => {
      gateway.answer = (_arrived, response) => void response.writeHead(401).end(text);
      const answer = await client()('/v1/models');
      expect([answer.status, await answer.text()]).toEqual([401, text]);
      expect(gateway.arrived).toHaveLength(1);
    },
  );

  it('but not another status with that code', async () => {
    gateway.answer = (_arrived, response) => sendError(response, 403, 'expired_token');
    expect((await client()('/v1/models')).status).toBe(403);
    expect(gateway.arrived).toHaveLength(1);
  });
});

describe("a request's signal", () => {
  it('ends its own wait for a session, not that of others', async () => {
    const { getSession, calls, give } = heldBack();
    const tollgate = client({ getSession });
    const controller = new AbortController();
    const leaving = tollgate('/leaving', { signal: controller.signal });
    const staying = tokenOf(tollgate);
    controller.abort(new Error('the visitor left'));
    await expect(leaving).rejects.toThrow('the visitor left');
    give();
    expect(await staying).toBe('tgs_1');
    expect(calls()).toBe(1);
    expect(gateway.arrived.map(({ path }) => path)).toEqual(['/v1/models']);
  });

  it('already aborted asks for nothing', async () => {
    const answer = client()('/v1/models', { signal: AbortSignal.abort() });
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    expect([gateway.sessionsGiven, gateway.arrived.length]).toEqual([0, 0]);
  });

  it('of a Request counts too, unless the second argument has one', async () => {
    const request = new Request(`${gateway.origin}/v1/models`, { signal: AbortSignal.abort() });
    await expect(client()(request)).rejects.toMatchObject({ name: 'AbortError' });
    expect((await client()(request, { signal: new AbortController().signal })).status).toBe(200);
  });

  it('ends the request, and a stream in the middle', async () => {
    gateway.answer = (_arrived, response) => void response.write('first');
    const controller = new AbortController();
    const answer = await client()('/v1/models', { signal: controller.signal });
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first');
    controller.abort();
    await expect(reader?.read()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('aborted while the renewal is waited for ends that wait', async () => {
    const { getSession, calls, give } = heldBack();
    let inner = gateway.getSession;
    const tollgate = client({ getSession: () => inner() });
    await tokenOf(tollgate);
    gateway.expire('tgs_1');
    inner = getSession;
    const controller = new AbortController();
    const answer = tollgate('/v1/models', { signal: controller.signal });
    await waitFor(() => calls() === 1, { what: 'the renewal' });
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    give();
    expect(await tokenOf(tollgate)).toBe('tgs_2');
  });
});

describe('a session that is over otherwise than in time', () => {
  it.each(['invalid_token', 'revoked_token'])(
    'is not used again after %s, nor the request sent again',
    async (code) => {
      const tollgate = client();
      const first = await tokenOf(tollgate);
      const { answer } = gateway;
      gateway.answer = (_request, response) => sendError(response, 401, code);
      expect((await tollgate('/v1/models')).status).toBe(401);
      expect(gateway.sessionsGiven).toBe(1);
      gateway.answer = answer;
      expect(await tokenOf(tollgate)).not.toBe(first);
    },
  );
});
