import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, paths } from '../../support/gateway-client.ts';
import { connectRaw, requestText, type RawConnection } from '../../support/http.ts';

/* Node takes a second request on a connection while the first is being answered; its answer waits its turn. */

let gateway: TestGateway;
let token: IssuedToken;
let connection: RawConnection;

beforeEach(async () => {
  gateway = await startGateway({ env: { STREAM_IDLE_TIMEOUT_MS: '700', READER_TIMEOUT_MS: '5000' } });
  token = await gateway.issue();
  connection = await connectRaw(gateway.port);
});

afterEach(async () => {
  connection.destroy();
  await gateway.close();
});

const request = (stream: boolean): string =>
  requestText({
    method: 'POST',
    path: paths.chat,
    headers: { connection: 'keep-alive', authorization: `Bearer ${token.text}` },
    body: JSON.stringify(bodies.chat({ stream })),
  });

describe('a plain answer behind a stream', () => {
  it('comes whole after it, even if it had to wait for longer than the upstream may be silent', async () => {
    const finish = Promise.withResolvers<void>();
    gateway.upstream.script((_req, res, body) => {
      if (!(body as { stream: boolean }).stream) return false;
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => res.write(messageFrame({})), 50);
      void finish.promise.then(() => {
        clearInterval(timer);
        res.end(doneFrame);
      });
      return true;
    });
    connection.send(request(true) + request(false));
    const [plain] = await gateway.settled(token.team, 1);
    expect(plain).toMatchObject({ stream: false, outcome: 'ok' });
    await new Promise((resolve) => setTimeout(resolve, 1_200)); // longer than an upstream may be silent, while the stream is not
    finish.resolve();
    await connection.until('"total_tokens"');
    expect(connection.text().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(connection.text().match(/"object":"chat.completion"/g)).toHaveLength(1);
    const entries = await gateway.settled(token.team, 2);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });
});

describe('a caller that leaves with requests waiting', () => {
  it('lets the upstream go for all of them', async () => {
    gateway.upstream.script(() => true);
    connection.send(request(true) + request(true) + request(false));
    await gateway.upstream.waitFor(({ requests }) => requests.length === 3);
    connection.destroy();
    await gateway.upstream.waitFor(({ aborted }) => aborted === 3);
    const entries = await gateway.settled(token.team, 3);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted', 'aborted']);
  });
});
