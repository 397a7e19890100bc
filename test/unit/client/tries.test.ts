import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTollgate, NetworkError, type Tollgate } from '../../../client/index.js';
import {
  sendError,
  sendJson,
  startPretendGateway,
  type PretendGateway,
} from '../../support/pretend-gateway.ts';

let gateway: PretendGateway;
let tollgate: Tollgate;
let waits: number[];
const setTimer = globalThis.setTimeout;

beforeEach(async () => {
  gateway = await startPretendGateway();
  tollgate = createTollgate({ url: gateway.origin, getSession: gateway.getSession });
  waits = [];
  vi.spyOn(Math, 'random').mockReturnValue(0);
  onPause(queueMicrotask);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await gateway.close();
});

/** Does something in place of the client's own waiting; fetch has timers too, which go on. */
function onPause(act: (done: () => void) => void): void {
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((done, ms, ...values) => {
    const isPause = new Error('to see who calls').stack?.includes('/client/tries.js') ?? false;
    if (!isPause) return setTimer(done, ms, ...values);
    waits.push(ms ?? 0);
    act(done);
    return setTimer(() => undefined);
  });
}

type Answer = (response: ServerResponse) => void;

/** Answers the first requests like this, and all others well. */
function first(...answers: Answer[]): void {
  const rest = [...answers];
  gateway.answer = ({ body }, response) => {
    const next = rest.shift();
    if (next) next(response);
    else sendJson(response, 200, { body });
  };
}

const refuse =
  (status: number, code = 'x', headers: Record<string, string> = {}): Answer =>
  (response) =>
    sendError(response, status, code, headers);
const cut: Answer = (response) => void response.destroy();
const keys = (): unknown[] => gateway.arrived.map(({ headers }) => headers['idempotency-key']);

describe('a call', () => {
  it.each([
    ['a lost connection', cut],
    ['a 502', refuse(502, 'upstream_unreachable')],
    ['a 503', refuse(503, 'overloaded')],
    ['a 504', refuse(504, 'upstream_timeout')],
    ["a proxy's 502", (response: ServerResponse) => void response.writeHead(502).end('<html>')],
  ])('is sent again after %s, the same, with one key', async (_name, answer) => {
    first(answer, answer);
    const got = await tollgate('/v1/chat/completions', { method: 'POST', body: 'once' });
    expect(await got.json()).toEqual({ body: 'once' });
    expect(gateway.arrived.map(({ body }) => body)).toEqual(['once', 'once', 'once']);
    expect(new Set(keys()).size).toBe(1);
    expect(keys()[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(waits).toEqual([500, 1_000]);
  });

  it('has a key of its own, or the one that it is given; a GET has none', async () => {
    await tollgate('/v1/x', { method: 'POST' });
    await tollgate('/v1/x', { method: 'POST' });
    await tollgate('/v1/x', { method: 'POST', headers: { 'Idempotency-Key': 'mine' } });
    await tollgate('/v1/models');
    const [one, another, mine, none] = keys();
    expect(one).not.toBe(another);
    expect([mine, none]).toEqual(['mine', undefined]);
  });

  it('keeps its key when its session is renewed on the way', async () => {
    gateway.expire('tgs_1');
    await tollgate('/v1/x', { method: 'POST', body: 'x' });
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
    expect(new Set(keys()).size).toBe(1);
  });

  /* The gateway knows a key by its session: with a new one, what an earlier try cost would be paid again. */
  describe('whose session expires between two tries', () => {
    const cutAndExpire: Answer = (response) => {
      gateway.expire('tgs_1');
      response.destroy();
    };

    it.each([
      ['a lost connection', cut],
      ['a 504', refuse(504, 'upstream_timeout')],
      ['an earlier try at work', refuse(409, 'in_progress')],
    ])('is not sent again with another, after %s', async (_name, answer) => {
      first((response) => {
        gateway.expire('tgs_1');
        answer(response);
      });
      const given = tollgate.ask('/v1/x', { once: true });
      await expect(given).rejects.toMatchObject({ name: 'RefusedError', status: 401, code: 'expired_token' });
      expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_1']);
    });

    it('leaves the next call to a new session', async () => {
      first(cutAndExpire);
      expect((await tollgate('/v1/x', { method: 'POST' })).status).toBe(401);
      expect((await tollgate('/v1/x', { method: 'POST' })).status).toBe(200);
      expect(new Set(keys()).size).toBe(2);
    });

    it('is sent again with another if it is a GET, which costs nothing', async () => {
      first(cutAndExpire);
      expect((await tollgate('/v1/models')).status).toBe(200);
      expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_1', 'tgs_2']);
    });
  });

  it('waits as long as it is told to', async () => {
    first(refuse(503, 'overloaded', { 'retry-after': '4' }), refuse(504, 'upstream_timeout'));
    await tollgate('/v1/x', { method: 'POST' });
    expect(waits).toEqual([4_000, 1_000]);
  });

  const running = refuse(409, 'in_progress', { 'retry-after': '1' });

  it('is asked for each second while an earlier try is at work, which is no try', async () => {
    first(cut, ...Array.from({ length: 5 }, () => running), refuse(503));
    expect((await tollgate('/v1/x', { method: 'POST', body: 'x' })).status).toBe(200);
    expect(waits).toEqual([500, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(new Set(keys()).size).toBe(1);
  });

  it('is not asked for longer than 30 s, nor at all if it has one try', async () => {
    gateway.answer = (_arrived, response) => running(response);
    expect((await tollgate('/v1/x', { method: 'POST' })).status).toBe(409);
    expect(waits).toEqual(Array.from({ length: 30 }, () => 1_000));
    const once = createTollgate({ url: gateway.origin, getSession: gateway.getSession, maxTries: 1 });
    expect((await once('/v1/x', { method: 'POST' })).status).toBe(409);
    expect(waits).toHaveLength(30);
  });

  it('waits at random between half a time and all of it', async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    first(refuse(503), refuse(503));
    await tollgate('/v1/x');
    expect(waits).toEqual([250, 500]);
  });

  it('is given the third refusal as it is', async () => {
    first(refuse(503, 'a'), refuse(503, 'b'), refuse(503, 'c'));
    const answer = await tollgate('/v1/x');
    expect([answer.status, await answer.json()]).toEqual([503, { error: { code: 'c', message: 'c' } }]);
    expect(gateway.arrived).toHaveLength(3);
  });

  it('that gets no answer three times is a NetworkError, with what fetch said', async () => {
    first(cut, cut, cut);
    const failed = await tollgate('/v1/x', { method: 'POST' }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NetworkError);
    expect(failed).toMatchObject({ code: 'network_error', cause: expect.any(TypeError) });
    expect(gateway.arrived).toHaveLength(3);
  });

  it.each([
    ['a 429', 429, 'rate_limit_exceeded', { 'retry-after': '1' }],
    ['a 500', 500, 'internal_error', {}],
    ['another 409', 409, 'replay_unavailable', {}],
    ['a 502 that says so', 502, 'upstream_auth_failed', { 'x-should-retry': 'false' }],
    ['a 503 that asks for too long a wait', 503, 'overloaded', { 'retry-after': '31' }],
  ])('is not sent again after %s', async (_name, status, code, headers) => {
    first(refuse(status, code, headers));
    const answer = await tollgate('/v1/x', { method: 'POST' });
    expect([answer.status, await answer.json()]).toMatchObject([status, { error: { code } }]);
    expect([gateway.arrived.length, waits]).toEqual([1, []]);
  });

  it('is sent once if its body is a stream, or if told so', async () => {
    first(refuse(503), cut);
    const body = new Blob(['x']).stream();
    expect((await tollgate('/v1/x', { method: 'POST', body, duplex: 'half' })).status).toBe(503);
    const once = createTollgate({ url: gateway.origin, getSession: gateway.getSession, maxTries: 1 });
    await expect(once('/v1/x')).rejects.toThrow(NetworkError);
    expect(gateway.arrived).toHaveLength(2);
  });

  it('does not try to get a session again', async () => {
    const getSession = vi.fn<typeof gateway.getSession>().mockRejectedValue(new TypeError('fetch failed'));
    const other = createTollgate({ url: gateway.origin, getSession });
    await expect(other('/v1/x')).rejects.toThrow(new TypeError('fetch failed'));
    expect(getSession).toHaveBeenCalledTimes(1);
  });

  it('stops waiting when it is aborted', async () => {
    const controller = new AbortController();
    onPause(() => controller.abort(new Error('the visitor left')));
    first(refuse(503));
    const { signal } = controller;
    await expect(tollgate('/v1/x', { signal })).rejects.toThrow('the visitor left');
    expect(gateway.arrived).toHaveLength(1);
  });

  it('that is aborted while it is sent is not sent again', async () => {
    const controller = new AbortController();
    first(() => controller.abort(new Error('the visitor left')));
    const { signal } = controller;
    await expect(tollgate('/v1/x', { signal })).rejects.toThrow('the visitor left');
    expect(gateway.arrived).toHaveLength(1);
  });
});
