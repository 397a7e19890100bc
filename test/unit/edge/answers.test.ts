import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Reply } from '../../../src/edge/answers.ts';
import type { Route } from '../../../src/edge/route.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { FrontDesk } from './front-desk.ts';

let desk: FrontDesk;

beforeEach(() => {
  desk = new FrontDesk();
});

/** A route that answers so. */
function answering(work: () => Reply, path = '/v1/me'): Route {
  const docs = { summary: '', answer: { status: 204 as const } };
  // Nobody describes this route.
  const get = {
    docs,
    access: 'anyone',
    handle: desk.answers.replying(work),
  } as unknown as Route['methods']['GET'];
  return { path, methods: { GET: get } } as Route;
}

const throws = (error: Error) => (): Reply => {
  throw error;
};

describe('an answer of the gateway, and its line in the log', () => {
  it.each<[string, () => Reply, status: number, outcome: string, code: string | null]>([
    ['JSON', () => ({ status: 200, body: { a: 1 } }), 200, 'ok', null],
    ['something made', () => ({ status: 201, body: {} }), 201, 'ok', null],
    ['nothing', () => ({ status: 204 }), 204, 'ok', null],
    ['a text', () => ({ status: 200, text: '{}', headers: {} }), 200, 'ok', null],
    ['a refusal', () => new Refusal('model_not_found', 'no'), 404, 'refused', 'model_not_found'],
    ['a store that is away', throws(new StoreUnavailable('gone')), 503, 'refused', 'store_unavailable'],
    ['a defect', throws(new Error('secret detail')), 500, 'refused', 'internal_error'],
  ])('%s', async (_, work, status, outcome, code) => {
    const { status: got, json, headers } = await desk.ask(answering(work));
    expect(got).toBe(status);
    expect(headers.get('x-request-id')).toBe('a-request-id-of-the-caller');
    expect(JSON.stringify(json)).not.toContain('secret detail');
    const line = desk.log.find((each) => 'status' in each);
    expect(line).toMatchObject({ status, outcome, error_code: code, path: '/v1/me', method: 'GET' });
    expect(desk.refused.map((as) => as.code)).toEqual(code === null ? [] : [code]);
  });

  it('tells a defect in the log, and only there', async () => {
    await desk.ask(answering(throws(new Error('secret detail'))));
    expect(JSON.stringify(desk.log)).toContain('secret detail');
  });

  it('belongs to one caller: it is not to be stored', async () => {
    const { headers } = await desk.ask(answering(() => ({ status: 200, body: {} })));
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('is none for a caller that left before its body was in: it is logged as aborted', async () => {
    const { status } = await desk.ask(answering(() => null));
    expect(status).toBe(0);
    expect(desk.log[0]).toMatchObject({ status: 499, outcome: 'aborted' });
  });

  it('counts refusals at paths that nobody serves together: a caller can choose those freely', async () => {
    const refused = (): Reply => new Refusal('not_found', 'no');
    desk.journal.serves('/v1/served');
    for (const path of ['/v1/served', '/v1/made-up-1', '/v1/made-up-2'])
      await desk.ask(answering(refused, path));
    const [served, ...others] = desk.refused.map(({ endpoint }) => endpoint);
    expect(served).toBe('/v1/served');
    expect(new Set(others).size).toBe(1);
  });
});
