import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { IdempotencyKey, idempotencyKeyOf, type KeyedCall } from '../../../src/limits/idempotency-key.ts';
import { KeptAnswer, maxKeptBytes } from '../../../src/limits/kept-answer.ts';

const call: KeyedCall = { principal: 'acme/tok_1', path: '/v1/chat/completions', body: Buffer.from('{}') };

function read(header: string, more: Partial<KeyedCall> = {}): IdempotencyKey {
  const key = idempotencyKeyOf(header, { ...call, ...more });
  if (key instanceof Refusal) throw new Error(key.message);
  return key;
}

describe('an Idempotency-Key', () => {
  it('is the same with quotes and without, and nothing of it can be read', () => {
    const [bare, quoted] = [read('stainless-node-retry-1'), read('"stainless-node-retry-1"')];
    expect(quoted.id).toBe(bare.id);
    expect(quoted.fingerprint).toBe(bare.fingerprint);
    expect(read(String.raw`"a\"b\\c"`).id).toBe(new IdempotencyKey(String.raw`a"b\c`, call).id);
    for (const text of [bare.id, bare.fingerprint]) expect(text).toMatch(/^[\w-]{24}$/);
  });

  it.each(['', ' ', '""', '"', 'a b', 'a,b', '"a"b', '"a", "b"', String.raw`"a\n"`, 'é', 'x'.repeat(256)])(
    'cannot be %j',
    (header) => {
      const refusal = idempotencyKeyOf(header, call);
      expect(refusal).toMatchObject({ code: 'invalid_request', details: { param: 'idempotency-key' } });
    },
  );

  it("is another caller's key, or another call, if anything of it differs", () => {
    const key = read('k');
    expect(read('k', { principal: 'acme/tok_2' }).id).not.toBe(key.id);
    expect(read('K').id).not.toBe(key.id);
    for (const more of [{ path: '/v1/messages' }, { body: Buffer.from('{} ') }]) {
      expect(read('k', more).id).toBe(key.id);
      expect(read('k', more).fingerprint).not.toBe(key.fingerprint);
    }
  });
});

describe('a kept answer', () => {
  const headers = ['content-type', 'application/json', 'x-tollgate-model', 'm'];

  it.each([
    ['small', Buffer.from('{"a":"ä"}\n\n{}')],
    ['empty', Buffer.alloc(0)],
    ['large, of any bytes', randomBytes(maxKeptBytes)],
  ])('comes back as it was: %s', async (_, body) => {
    const key = read('k');
    const answer = new KeptAnswer({ status: 201, headers }, body);
    expect(await key.unseal(key.seal(answer))).toEqual(answer);
    expect(key.seal(answer)).toMatch(/^[\w-]+$/);
  });

  it('opens with its own key only, and whole', async () => {
    const key = read('k');
    const sealed = key.seal(new KeptAnswer({ status: 200, headers }, Buffer.from('secret')));
    expect(await read('other').unseal(sealed)).toBeNull();
    expect(await read('k', { principal: 'acme/tok_2' }).unseal(sealed)).toBeNull();
    expect(await key.unseal(sealed.slice(0, -4))).toBeNull();
    expect(await key.unseal('')).toBeNull();
  });
});
