import { connect } from 'node:net';
import { text as allOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hang, resetAfter, streamFrames } from '../../support/upstream-scripts.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import { models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, post, readStream } from '../../support/gateway-client.ts';
import { waitFor } from '../../support/wait-for.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

/** The sum of all series that begin so. */
async function sumOf(series: string): Promise<number> {
  const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
  const lines = text.split('\n').filter((line) => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('/metrics', () => {
  it('counts what the ledger counts', async () => {
    const token = await gateway.issue();
    for (const stream of [false, true, true]) {
      await post(`${gateway.url}${paths.chat}`, bodies.chat({ stream }), { token: token.text });
    }
    await post(`${gateway.url}${paths.images}`, bodies.images({ n: 2 }), { token: token.text });
    await post(`${gateway.url}${paths.chat}`, {}, { token: token.text });
    await post(`${gateway.url}${paths.chat}`, {}, { token: 'nonsense' });
    await gateway.settled(token.team, 4);
    const usage = await gateway.usage(token.team);
    expect(await sumOf('tollgate_requests_total{endpoint="/v1/chat/completions",status="200"')).toBe(3);
    expect(await sumOf(`tollgate_tokens_total{direction="input",model="${models.chat}"`)).toBe(
      usage.input_tokens,
    );
    expect(await sumOf(`tollgate_tokens_total{direction="output",model="${models.chat}"`)).toBe(
      usage.output_tokens,
    );
    expect(await sumOf('tollgate_images_total')).toBe(2);
    expect(await sumOf(`tollgate_cost_usd_total{team="${token.team}"`)).toBeCloseTo(usage.cost_usd);
    expect(await sumOf('tollgate_refusals_total{code="invalid_body"')).toBe(1);
    expect(await sumOf('tollgate_refusals_total{code="invalid_token"')).toBe(1);
    expect(
      await sumOf('tollgate_request_duration_seconds_count{endpoint="/v1/chat/completions"'),
    ).toBeGreaterThanOrEqual(3);
    expect(await sumOf('tollgate_upstream_duration_seconds_count{attachment="INFERENCE",status="200"')).toBe(
      4,
    );
  });

  it("shows what is used of a team's and the gateway's limits, and who was refused by which", async () => {
    const requests = { metric: 'requests', window: 'day', max: 2 } as const;
    const token = await gateway.issue({
      team: { limits: [requests, { metric: 'tokens', window: 'month', max: 1e6, models: [models.chat] }] },
      limits: [{ metric: 'requests', window: 'hour', max: 9 }],
    });
    for (let n = 0; n < 3; n += 1)
      await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
    await gateway.settled(token.team, 2);
    const { tokens } = await gateway
      .usage(token.team)
      .then((sums) => ({ tokens: sums.input_tokens + sums.output_tokens }));
    const of = `team="${token.team}",scope="team",limit=`;
    expect(await sumOf(`tollgate_limit_used{${of}"requests/day",covers=""`)).toBe(2);
    expect(await sumOf(`tollgate_limit_max{${of}"requests/day",covers=""`)).toBe(2);
    expect(await sumOf(`tollgate_limit_used{${of}"tokens/month",covers="${models.chat}"`)).toBe(tokens);
    expect(await sumOf(`tollgate_limit_refusals_total{${of}"requests/day"`)).toBe(1);
    const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
    expect(text).not.toContain('scope="token"');
  });

  it('shows open streams and requests while they are open, however they end', async () => {
    const token = await gateway.issue();
    const before = await sumOf('tollgate_open_requests');
    gateway.upstream.script(streamFrames([messageFrame({})], { end: false }));
    const leaving = new AbortController();
    const sent = { token: token.text, signal: leaving.signal };
    const running = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), sent);
    gateway.upstream.script(hang());
    const plain = open(`${gateway.url}${paths.chat}`, bodies.chat(), sent).catch(() => null);
    await gateway.upstream.waitFor(({ open: running_ }) => running_ === 2);
    expect(await sumOf('tollgate_open_streams')).toBe(1);
    expect((await sumOf('tollgate_open_requests')) - before).toBe(2);
    leaving.abort();
    await plain;
    await readStream(running)
      .rest()
      .catch(() => undefined);

    gateway.upstream.script(resetAfter(messageFrame({})));
    const broken = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: token.text,
    });
    expect(await readStream(broken).rest()).toBe('broken');
    await waitFor(async () => (await sumOf('tollgate_open_streams')) === 0, { what: 'no open stream' });
    await waitFor(async () => (await sumOf('tollgate_open_requests')) === before, {
      what: 'no open request',
    });
    expect(await sumOf('tollgate_ledger_pending')).toBe(0);
  });
});

describe('what is no request of a caller', () => {
  /** The line of a request; the newest, should there be several. */
  const lineOf = (id: string | null): Promise<object> =>
    waitFor(
      () => {
        const lines = gateway.log().split('\n').filter(Boolean);
        const told = lines.map((line) => JSON.parse(line) as { request_id?: string });
        return told.findLast(({ request_id: its }) => its === id);
      },
      { what: 'its line' },
    );

  it.each([
    ['GET', '/readyz', 200, null],
    ['GET', '/healthz', 200, null],
    ['GET', '/metrics', 401, 'missing_token'],
    ['POST', '/metrics', 405, 'method_not_allowed'],
  ])('has its id in the log, the answer and its error: %s %s', async (method, path, status, code) => {
    const callersId = `an-operators-own-id-${method}${path}`;
    for (const headers of [{ 'x-request-id': callersId }, undefined]) {
      const answer = await fetch(gateway.url + path, { method, ...(headers ? { headers } : {}) });
      const id = answer.headers.get('x-request-id');
      expect(id).toMatch(headers ? callersId : /^[0-9a-f-]{36}$/);
      if (code !== null) expect(await answer.json()).toMatchObject({ error: { code, request_id: id } });
      expect(await lineOf(id)).toMatchObject({ status, error_code: code });
    }
  });

  it('has it where it was refused before the routes, too', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\nno header\r\n\r\n');
    const answer = await allOf(socket);
    const [, id = ''] = /x-request-id: (\S+)/.exec(answer) ?? [];
    expect(answer).toContain(`"request_id":"${id}"`);
    expect(await lineOf(id)).toMatchObject({ status: 400, error_code: 'invalid_request' });
  });
});
