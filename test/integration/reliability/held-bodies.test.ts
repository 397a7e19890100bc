import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hang } from '../../support/upstream-scripts.ts';
import { bodies, paths } from '../../support/gateway-client.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

function heapBytes(): number {
  for (let n = 0; n < 3; n += 1) collect();
  return process.memoryUsage().heapUsed;
}

/** Of buffers, which the heap does not count. */
function bufferBytes(): number {
  for (let n = 0; n < 3; n += 1) collect();
  return process.memoryUsage().arrayBuffers;
}

it('while requests are answered, nothing of them stays in memory but what was sent', async () => {
  const token = await gateway.issue();
  const content = Array.from({ length: 15 }, (_, n) => ({ type: 'text', text: `part ${n} `.repeat(8) }));
  const messages = Array.from({ length: 700 }, () => ({ role: 'user', content }));
  const body = Buffer.from(JSON.stringify(bodies.chat({ stream: true, messages })));
  const headers = {
    authorization: `Bearer ${token.text}`,
    'content-type': 'application/json',
    'content-length': body.length,
  };
  const hangs = hang();
  const { upstream } = gateway;
  let open = 0;
  upstream.script((req, res) => {
    // The stand-in is not to be measured.
    upstream.requests.length = 0;
    open += 1;
    return hangs(req, res, undefined);
  });
  const sent = async (count: number): Promise<void> => {
    const until = open + count;
    for (let n = 0; n < count; n += 1) {
      request(`${gateway.url}${paths.chat}`, { method: 'POST', headers, agent: false })
        .on('error', () => undefined)
        .end(body);
    }
    await waitFor(() => open === until, { what: 'the bodies to arrive', timeoutMs: 20_000 });
  };
  await sent(2);
  const before = heapBytes();
  await sent(8);
  await expect.poll(() => heapBytes() - before, { timeout: 60_000 }).toBeLessThan(4 * body.length);
});

it('once an answer has begun, its large body is let go: it cannot be sent again', async () => {
  const token = await gateway.issue();
  const { upstream } = gateway;
  let begun = 0;
  upstream.script((_req, res) => {
    upstream.requests.length = 0;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(': begun\n\n');
    begun += 1;
    return true;
  });
  const body = Buffer.from(
    JSON.stringify(
      bodies.chat({ stream: true, messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }] }),
    ),
  );
  const headers = { authorization: `Bearer ${token.text}`, 'content-length': body.length };
  const left = new AbortController();
  const sent = async (count: number): Promise<void> => {
    const until = begun + count;
    for (let n = 0; n < count; n += 1) {
      request(`${gateway.url}${paths.chat}`, { method: 'POST', headers, agent: false, signal: left.signal })
        .on('error', () => undefined)
        .on('response', (answer) => answer.on('error', () => undefined).resume())
        .end(body);
    }
    await waitFor(() => begun === until, { what: 'the answers to begin', timeoutMs: 20_000 });
  };
  await sent(2);
  const before = bufferBytes();
  await sent(12);
  await expect.poll(() => bufferBytes() - before, { timeout: 60_000 }).toBeLessThan(3 * body.length);
  left.abort();
});
