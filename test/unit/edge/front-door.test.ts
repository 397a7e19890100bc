import { beforeEach, describe, expect, it } from 'vitest';
import type { Authenticated } from '../../../src/access/authenticator.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { FrontDesk } from './front-desk.ts';

const chat = { path: '/v1/chat/completions' };
let desk: FrontDesk;

beforeEach(async () => {
  desk = await FrontDesk.open();
});

const enter = (headers: Readonly<Record<string, string>> = {}, freshly = false) =>
  desk.frontDoor.authenticate(desk.asking({ headers }).call, chat, { freshly });
const codeOf = (entered: Authenticated | Refusal): string =>
  entered instanceof Refusal ? entered.code : 'entered';

describe('the front door', () => {
  it('asks the store about the first request of a caller, and nobody about the next', async () => {
    for (let n = 0; n < 3; n += 1) expect(codeOf(await enter())).toBe('entered');
    expect(desk.lookups).toBe(1);
    expect(desk.used).toEqual(['tok_1', 'tok_1', 'tok_1']);
  });

  it('asks the store each time for an operation that must be fresh', async () => {
    for (let n = 0; n < 3; n += 1) expect(codeOf(await enter({}, true))).toBe('entered');
    expect(desk.lookups).toBe(3);
  });

  it.each([
    ['an endpoint that was added', { endpoints: [] }, { endpoints: [chat.path] }, {}],
    [
      'an origin that was added',
      { origins: [] },
      { origins: ['https://a.example'] },
      { origin: 'https://a.example' },
    ],
  ])('refuses nobody for what is cached: %s', async (_, before, after, headers) => {
    desk = await FrontDesk.open(before);
    expect(codeOf(await enter(headers))).toMatch(/_not_allowed$/);
    await desk.change(after);
    expect(codeOf(await enter(headers))).toBe('entered');
  });

  it.each([
    ['a foreign origin', {}, { origin: 'https://evil.example' }, 'origin_not_allowed'],
    ['an origin of ALLOWED_ORIGINS', {}, { origin: 'https://app.example' }, 'entered'],
    ['an endpoint not on its list', { endpoints: ['/v1/embeddings'] }, {}, 'endpoint_not_allowed'],
    ['another token', {}, { authorization: 'Bearer tgk_mistyped' }, 'invalid_token'],
    ['an empty header', {}, { authorization: '' }, 'invalid_token'],
  ])('%s', async (_, policy, headers, code) => {
    desk = await FrontDesk.open(policy);
    expect(codeOf(await enter(headers))).toBe(code);
  });

  it('takes no new work while the process is shutting down', async () => {
    desk.draining = true;
    expect(codeOf(await enter())).toBe('overloaded');
    expect(desk.lookups).toBe(0);
  });
});

describe('a body', () => {
  /** Reads the body of a caller who is known. */
  async function read(body: string, headers = {}) {
    const asking = desk.asking({ method: 'POST', body, headers });
    expect(await desk.frontDoor.authenticate(asking.call, null)).not.toBeInstanceOf(Refusal);
    return { ...asking, bytes: await desk.frontDoor.body(asking.call, 100) };
  }

  it('counts in the budget until its call is over', async () => {
    const { call, response, bytes } = await read('x'.repeat(60));
    expect(bytes).toHaveLength(60);
    expect([desk.budget.heldBytes, call.bodyBytes]).toEqual([60, 60]);
    response.end();
    expect(desk.budget.heldBytes).toBe(0);
  });

  it.each([
    ['too large by what it declares', '', { 'content-length': '101' }, 'body_too_large'],
    ['too large by what comes', 'x'.repeat(101), {}, 'body_too_large'],
  ])('is refused: %s', async (_, body, headers, code) => {
    expect((await read(body, headers)).bytes).toMatchObject({ code });
    expect(desk.budget.heldBytes).toBe(0);
  });

  it("is refused if its token's share is full", async () => {
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => read('x'.repeat(60))));
    const { bytes } = await read('x'.repeat(60));
    expect(bytes).toMatchObject({ code: 'overloaded', message: expect.stringContaining('This token') });
    expect(desk.budget.heldBytes).toBe(360);
  });

  it('of a caller that nobody knows yet is not counted with the others', async () => {
    const { call } = desk.asking({ method: 'POST', body: 'x'.repeat(60) });
    expect(await desk.frontDoor.body(call, 100)).toHaveLength(60);
    expect(desk.budget.heldBytes).toBe(0);
  });
});
