import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { maxKeptBytes } from '../../../src/limits/kept-answer.ts';
import { maxSealedBytes, ResponseKey } from '../../../src/limits/kept-items.ts';

const random = '0123456789abcdef0123456789abcdef';
const items = [{ id: `msg_${random}0`, type: 'message', text: 'ä'.repeat(500) }];
const key = new ResponseKey('acme/tok_1', random);

describe('the items of a response', () => {
  it('are read with the same id by the same principal', async () => {
    const kept = key.seal(items);
    expect(kept?.id).toBe(key.id);
    expect(await new ResponseKey('acme/tok_1', random).unseal(kept?.sealed ?? '')).toEqual(items);
  });

  it('are nothing to another principal, with another id, or if they were changed', async () => {
    const { sealed } = key.seal(items) ?? { sealed: '' };
    const others = [
      new ResponseKey('acme/tok_2', random),
      new ResponseKey('acme/tok_1', random.replace('0', '1')),
    ];
    for (const other of others) {
      expect(other.id).not.toBe(key.id);
      expect(await other.unseal(sealed)).toEqual([]);
    }
    expect(await key.unseal(`${sealed.slice(0, -4)}AAAA`)).toEqual([]);
  });

  it('tell the store neither the id nor a word', () => {
    const { id, sealed } = key.seal(items) ?? { id: '', sealed: '' };
    expect(sealed).toMatch(/^[\w-]+$/);
    for (const told of [random, 'message']) expect(id + sealed).not.toContain(told);
  });

  it('are not kept if they are too large; the largest have room where they are read', () => {
    const noise = (length: number): object[] => [
      { text: randomBytes(length).toString('base64url').slice(0, length) },
    ];
    const large = key.seal(noise(maxKeptBytes - 100));
    expect(large?.sealed.length).toBeLessThan(maxSealedBytes);
    expect(key.seal(noise(maxKeptBytes))).toBeNull();
  });
});
