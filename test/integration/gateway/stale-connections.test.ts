import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { cut, type Script, startStandIn } from '../../support/stand-in.ts';

/* An upstream closes a kept connection at the very moment it is used again. */

let gateway: TestGateway;
let token: IssuedToken;

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await startGateway({ env });
  token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 100 }] });
}
afterEach(() => gateway.close());

const call = (more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });

/** Serves a connection's first request, and breaks it off at the second. */
function servesOnce(how: 'fin' | 'rst'): { script: Script; sockets: Set<Socket> } {
  const sockets = new Set<Socket>();
  const script: Script = (req, res) => {
    if (!sockets.has(req.socket)) {
      sockets.add(req.socket);
      return false;
    }
    cut(res, how);
    return true;
  };
  return { script, sockets };
}

async function used(): Promise<unknown> {
  const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (json['limits'] as { used: number }[])[0]?.used;
}

describe.each(['fin', 'rst'] as const)('a kept connection that is closed when it is used, by a %s', (how) => {
  it.each([false, true])('is replaced by a fresh one, and charged once; stream: %s', async (stream) => {
    await start();
    const { script, sockets } = servesOnce(how);
    gateway.upstream.script(script);
    for (let n = 0; n < 4; n += 1) expect((await call({ stream })).status).toBe(200);
    // Each call after the first meets a connection that was used before, or one of its own.
    expect(gateway.upstream.requests.length).toBeGreaterThan(4);
    expect(sockets.size).toBe(4);
    expect(await gateway.settled(token.team, 4)).toMatchObject(
      Array.from({ length: 4 }, () => ({ outcome: 'ok', status: 200 })),
    );
    expect(await used()).toBe(4);
    // It is no failure of the attachment.
    expect(gateway.log()).not.toContain('an attachment fails');
  });

  it('is replaced once only', async () => {
    await start();
    expect((await call()).status).toBe(200);
    gateway.upstream.script((_req, res) => {
      cut(res, how);
      return true;
    });
    const before = gateway.upstream.requests.length;
    const reply = await call();
    expect(reply.status).toBe(502);
    expect(errorOf(reply).code).toBe('upstream_unreachable');
    expect(gateway.upstream.requests.length - before).toBe(2);
    expect(await gateway.settled(token.team, 2)).toMatchObject([{ outcome: 'ok' }, { outcome: 'error' }]);
    expect(await used()).toBe(1);
  });

  it('is not replaced for a request with tools that must not run twice', async () => {
    await start();
    token = await gateway.issue({ tools: ['search'] });
    const tools = [{ type: 'mcp', name: 'search' }];
    expect((await call({ tools })).status).toBe(200);
    gateway.upstream.script(servesNone(how));
    const before = gateway.upstream.requests.length;
    expect((await call({ tools })).status).toBe(502);
    expect(gateway.upstream.requests.length - before).toBe(1);
  });
});

it('a fresh connection that is reset is not one of these', async () => {
  await start();
  gateway.upstream.script(servesNone('rst'));
  expect((await call()).status).toBe(502);
  expect(gateway.upstream.requests).toHaveLength(1);
});

it('connections that were made afresh are closed again', async () => {
  await start();
  const { script, sockets } = servesOnce('fin');
  gateway.upstream.script(script);
  for (let n = 0; n < 5; n += 1) expect((await call()).status).toBe(200);
  const open = (): number => [...sockets].filter(({ destroyed }) => !destroyed).length;
  await expect.poll(open, { timeout: 20_000 }).toBeLessThanOrEqual(1);
});

describe('an upstream that is overloaded', () => {
  it('is not charged, is told as overloaded, and another attachment is asked', async () => {
    const second = await startStandIn({ key: 'inf-second' });
    await start({ SECOND_URL: second.url, SECOND_KEY: second.key });
    const overloaded: Script = (_req, res) => {
      res
        .writeHead(529, { 'content-type': 'application/json', 'retry-after': '7' })
        .end('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');
      return true;
    };
    gateway.upstream.script(overloaded);
    expect((await call()).status).toBe(200);
    expect((await call()).status).toBe(200);
    expect(second.requests).toHaveLength(2);
    second.script(overloaded);
    const reply = await call();
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('7');
    expect(errorOf(reply)).toMatchObject({ code: 'overloaded', type: 'server_error' });
    expect(errorOf(reply).message).toContain('Overloaded');
    const entries = await gateway.settled(token.team, 3);
    expect(entries[2]).toMatchObject({
      outcome: 'error',
      input_tokens: 0,
      output_tokens: 0,
      error_code: 'overloaded',
    });
    expect(await used()).toBe(2);
    await second.close();
  });
});

function servesNone(how: 'fin' | 'rst'): Script {
  return (_req, res) => {
    cut(res, how);
    return true;
  };
}
