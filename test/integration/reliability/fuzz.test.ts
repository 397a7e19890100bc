import * as fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { type ErrorBody, paths } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse } from '../../support/http.ts';
import { anyBody, type FuzzedBody } from './fuzz/bodies.ts';
import { faultIn } from './fuzz/oracle.ts';
import { endpointPaths } from '../../../src/validation/registry.ts';

/* Whatever is sent: an answer of the right shape, never a crash, a hang, or an invalid body at the upstream. */

const seed = 20_261_121; // a failure repeats itself
/* Each endpoint gets some 600 bodies, and each odd text comes up 160 times: the seed says which, so more would be the same every time. */
const bodyCount = 4_000;
const headCount = 800;
const atOnce = 24;

let gateway: TestGateway;
let token: IssuedToken;
/** Cheaper than fetch, which would take longer than all else here. */
let client: Pool;

beforeAll(async () => {
  gateway = await startGateway({ standIn: { listsModels: false }, env: { LOG_LEVEL: 'error' } });
  client = new Pool(gateway.url, { connections: atOnce });
  token = await gateway.issue({ endpoints: [...endpointPaths], tools: ['f@app'] });
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

/** Does it for each, so many at a time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function countOf(statuses: Map<number, number>, status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

describe(`${bodyCount} bodies`, () => {
  it('are each answered in the right shape, and what is sent on is valid', async () => {
    const statuses = new Map<number, number>();
    let refusedByUpstream = 0;
    const send = async ({ kind, bytes }: FuzzedBody): Promise<void> => {
      const { statusCode, headers, body } = await client.request({
        method: 'POST',
        path: paths[kind],
        headers: { authorization: `Bearer ${token.text}` },
        body: bytes,
      });
      const text = await body.text();
      countOf(statuses, statusCode);
      if (statusCode === 200) return;
      const { error } = JSON.parse(text) as { error: ErrorBody };
      if (error.code === 'upstream_error') refusedByUpstream += 1;
      const isRight =
        [400, 403, 404].includes(statusCode) &&
        typeof error.message === 'string' &&
        typeof error.type === 'string' &&
        error.request_id === headers['x-request-id'] &&
        (error.details?.length ?? 0) <= 50;
      if (!isRight) expect.fail(`${statusCode} ${text} for ${Buffer.from(bytes).toString('latin1')}`);
    };
    await eachOf(fc.sample(anyBody, { numRuns: bodyCount, seed }), send);
    // Both sides of the line are met often.
    expect(statuses.get(200)).toBeGreaterThan(bodyCount / 20);
    expect(statuses.get(400)).toBeGreaterThan(bodyCount / 5);

    const { requests } = gateway.upstream;
    // One may be sent again without what the upstream refused by name.
    const sent = new Set(requests.map(({ headers }) => headers['x-request-id']));
    expect(sent.size).toBe((statuses.get(200) ?? 0) + refusedByUpstream);
    const faults = requests.flatMap(({ path, text }) => {
      const fault = faultIn(path, text);
      return fault === null ? [] : [`${fault}: ${text}`];
    });
    expect(faults).toEqual([]);
    expect(gateway.log()).toBe('');
  }, 300_000);
});

const anyByte = fc.integer({ min: 0x20, max: 0xff }).filter((byte) => byte !== 0x7f);
const headerText = fc.array(anyByte, { maxLength: 60 }).map((codes) => String.fromCharCode(...codes));
const headerName = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
  fc.constantFrom(
    'Origin',
    'X-Request-ID',
    'Content-Type',
    'Content-Encoding',
    'Cookie',
    'Accept',
    'X-Forwarded-For',
  ),
  fc.constantFrom(
    'X-API-Key',
    'Expect',
    'TE',
    'Trailer',
    'Upgrade',
    'anthropic-version',
    'Range',
    'If-Match',
  ),
);
const anyHead = fc.record({
  credential: fc.constantFrom(
    ...Array.from({ length: 8 }, () => 'Bearer {}'),

    'Bearer {}',
    'bearer   {}',
    'Bearer',
    'Bearer {}, Bearer {}',
    'Basic {}',
    '{}',
    'Bearer \t{} ',
    'Bearer {}x',
  ),
  headers: fc.array(fc.tuple(headerName, headerText), { maxLength: 12 }),
  method: fc.constantFrom(
    'POST',
    'POST',
    'POST',
    'POST',
    'POST',
    'GET',
    'PUT',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'PURGE',
  ),
  target: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string>(paths.chat) },
    fc.constantFrom<string>(
      paths.chat,
      paths.chat,
      '/v1/me',
      '/v1/models',
      '//v1/me',
      '/v1/../v1/me',
      '/v1/me?x=%00',
      '*',
    ),
    fc.stringMatching(/^\/[A-Za-z0-9%._~!$&'()*+,;=:@/?-]{0,40}$/),
  ),
});

describe(`${headCount} heads`, () => {
  it('are each answered in the right shape, and nothing of them goes on but what may', async () => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
    const before = gateway.upstream.requests.length;
    const send = async ({ credential, headers, method, target }: FuzzedHead): Promise<void> => {
      const lines = [
        `${method} ${target} HTTP/1.1`,
        'Host: a',
        'Connection: close',
        `Authorization: ${credential.replaceAll('{}', token.text)}`,
        `Content-Length: ${body.length}`,
        ...headers.map(([name, value]) => `${name}: ${value}`),
      ];
      const connection = await connectRaw(gateway.port);
      try {
        connection.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
        await connection.untilClosed();
        const answer = parseResponse(connection.received());
        expect(answer.status, lines.join('\n')).toBeGreaterThanOrEqual(200);
        expect(answer.status, lines.join('\n')).toBeLessThan(500);
        if (answer.status < 400 || method === 'HEAD') return;
        expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { message: expect.any(String) } });
      } finally {
        connection.destroy();
      }
    };
    await eachOf(fc.sample(anyHead, { numRuns: headCount, seed }), send);
    const sentOn = gateway.upstream.requests.slice(before);
    expect(sentOn.length).toBeGreaterThan(headCount / 50);
    const names = new Set(sentOn.flatMap(({ headers }) => Object.keys(headers)));
    const allowed =
      /^(?:authorization|content-type|content-length|accept|accept-encoding|x-request-id|host|connection|x-heroku-prompt-caching|anthropic-.*)$/;
    expect([...names].filter((name) => !allowed.test(name))).toEqual([]);
    expect(JSON.stringify(sentOn.map(({ headers }) => headers))).not.toContain(token.text);
    expect(gateway.log()).toBe('');
  }, 300_000);
});

type FuzzedHead = typeof anyHead extends fc.Arbitrary<infer H> ? H : never;
