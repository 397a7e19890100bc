import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/request.ts';
import { errorOf, Harness, problemsOf, startMs } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

const path = '/admin/prices/chatty';
const chat = (input: number, output = 10): JsonObject => ({
  usd_per_million_input_tokens: input,
  usd_per_million_output_tokens: output,
});
const now = new Date(startMs).toISOString();
const ofFile = { source: 'file', from: null, ...chat(1, 5) };
const ofFileLater = { source: 'file', from: '2027-01-01T00:00:00.000Z', ...chat(2, 6) };

async function prices(model = 'chatty'): Promise<JsonObject> {
  return (await admin.call('GET', `/admin/prices/${model}`)).body;
}

const put = (...list: JsonObject[]): ReturnType<Harness['call']> => admin.call('PUT', path, { prices: list });

describe('/admin/prices', () => {
  it('has the models of the catalogue: what is in force, what is to come, and where it comes from', async () => {
    const { status, body } = await admin.call('GET', '/admin/prices');
    expect(status).toBe(200);
    const chatty = { model: 'chatty', kind: 'chat', in_force: ofFile, to_come: [ofFileLater], set: [] };
    expect(body).toEqual({
      data: [chatty, { model: 'm/with:slash', kind: 'images', in_force: null, to_come: [], set: [] }],
    });
    expect(await prices()).toEqual(chatty);
    for (const id of ['m/with:slash', 'm%2Fwith%3Aslash']) {
      expect(await prices(id)).toMatchObject({ model: 'm/with:slash' });
    }
  });

  it('sets a price from now on, over what the catalogue has later', async () => {
    const { status, body } = await put(chat(3, 15));
    expect(status).toBe(200);
    expect(body).toEqual({
      model: 'chatty',
      kind: 'chat',
      in_force: { source: 'api', from: now, ...chat(3, 15) },
      to_come: [],
      set: [{ from: now, ...chat(3, 15) }],
    });
    expect((await admin.call('GET', '/admin/prices')).body['data']).toContainEqual(body);
    expect(admin.pricesChanged).toBe(1);
  });

  it('sets prices to come: those of the catalogue count until the first of them', async () => {
    const [march, june] = ['2026-03-01', '2026-06-01T12:00:00+02:00'];
    const { body } = await put({ from: june, ...chat(4) }, { from: march, ...chat(3) });
    expect(body).toMatchObject({
      in_force: ofFile,
      to_come: [
        { source: 'api', from: '2026-03-01T00:00:00.000Z', ...chat(3) },
        { source: 'api', from: '2026-06-01T10:00:00.000Z', ...chat(4) },
      ],
    });
    const kept = (await prices())['set'] as JsonObject[];
    admin.nowMs = Date.parse('2026-04-01');
    expect(await prices()).toMatchObject({ in_force: { from: kept[0]?.['from'], ...chat(3) } });
    // Who sends back what there is changes nothing, also when some of it has begun.
    expect((await put(...kept)).body['set']).toEqual(kept);
    // The list replaces what is to come.
    expect((await put()).body['set']).toEqual(kept.slice(0, 1));
    expect(admin.pricesChanged).toBe(2);
  });

  it("gives the catalogue's prices their place back", async () => {
    await put(chat(3));
    expect((await admin.call('DELETE', path)).status).toBe(204);
    expect(await prices()).toMatchObject({ in_force: ofFile, to_come: [ofFileLater], set: [] });
    const again = await admin.call('DELETE', path);
    expect([again.status, errorOf(again)['code']]).toEqual([404, 'not_found']);
    expect(admin.pricesChanged).toBe(2);
  });

  it('refuses what begins in the past, what a kind of model lacks, and what is not of it', async () => {
    const wrong = await put({ from: '2026-02-03', ...chat(3) }, { usd_per_image: 1 });
    expect([wrong.status, ...problemsOf(wrong)]).toEqual([
      400,
      'prices.1.usd_per_million_input_tokens',
      'prices.1.usd_per_million_output_tokens',
      'prices.1.usd_per_image',
    ]);
    const past = await put({ from: '2026-02-03', ...chat(3) });
    expect([past.status, ...problemsOf(past)]).toEqual([400, 'prices.0.from']);
    for (const list of [[chat(-1)], [chat(2e6)], [chat(1), chat(2)], [{ from: '2026-02-30', ...chat(1) }]]) {
      expect((await put(...list)).status).toBe(400);
    }
    const twice = [
      { from: '2027-01-01', ...chat(1) },
      { from: '2027-01-01T00:00:00Z', ...chat(2) },
    ];
    expect((await put(...twice)).status).toBe(400);
    expect((await admin.call('PUT', path, { price: chat(1) })).status).toBe(400);
    expect((await prices())['set']).toEqual([]);
    expect(admin.pricesChanged).toBe(0);
  });

  it('knows the models of the catalogue only, and names what an alias stands for', async () => {
    const alias = await admin.call('PUT', '/admin/prices/fast', { prices: [chat(1)] });
    expect([alias.status, errorOf(alias)['message']]).toEqual([
      404,
      'fast is an alias: prices are those of chatty.',
    ]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { prices: [chat(1)] } : undefined;
      const answer = await admin.call(method, '/admin/prices/sk-whatever', body);
      expect(answer.status).toBe(404);
      expect(errorOf(answer)['message']).not.toContain('sk-whatever');
    }
  });

  it('changes a state only that it was asked to change', async () => {
    const { headers } = await admin.call('GET', path);
    const etag = { 'if-match': headers.get('etag') ?? '' };
    const first = await admin.call('PUT', path, { prices: [chat(1)] }, etag);
    expect(first.status).toBe(200);
    expect((await admin.call('PUT', path, { prices: [chat(2)] }, etag)).status).toBe(412);
    expect((await admin.call('DELETE', path, undefined, etag)).status).toBe(412);
    const current = { 'if-match': first.headers.get('etag') ?? '' };
    expect((await admin.call('DELETE', path, undefined, current)).status).toBe(204);
  });

  it('tells the trail what was before and after, and is in exports', async () => {
    await put(chat(3));
    const exported = (await admin.call('GET', '/admin/export')).body;
    expect(exported['prices']).toEqual([{ id: 'chatty', prices: [{ from: now, ...chat(3) }] }]);
    await put({ from: '2027-01-01', ...chat(4) });
    await admin.call('DELETE', path);
    const trail = (await admin.call('GET', '/admin/audit')).body['data'] as JsonObject[];
    const told = { kind: 'price', team: null, id: 'chatty' };
    const [one, two] = [[{ from: now, ...chat(3) }], { from: '2027-01-01T00:00:00.000Z', ...chat(4) }];
    expect(trail).toMatchObject([
      { ...told, operation: 'price.delete', after: null },
      { ...told, operation: 'price.change', before: { prices: one }, after: { prices: [...one, two] } },
      { ...told, operation: 'price.create', before: null, after: { prices: one } },
    ]);
  });

  it('makes two changes at once one after the other', async () => {
    const day = (n: number): JsonObject => ({ from: `2027-01-0${n}`, ...chat(n) });
    const [first, second] = await Promise.all([put(chat(1), day(1)), put(chat(2), day(2))]);
    expect([first.status, second.status]).toEqual([200, 200]);
    const trail = (await admin.call('GET', '/admin/audit')).body['data'] as JsonObject[];
    expect(trail.map(({ operation }) => operation)).toEqual(['price.change', 'price.create']);
  });
});
