import { describe, expect, it } from 'vitest';
import { anchorFor } from '../../../src/records/anchor.ts';
import type { Element } from '../../../src/records/drained-store.ts';

/** Entries 1, 2, 3, … as the store keeps them; the ids are the same numbers. */
function trail(count: number, unreadable: readonly number[] = []) {
  const elements = Array.from({ length: count }, (_, n): Element => {
    const sequence = n + 1;
    const text = unreadable.includes(sequence) ? 'altered' : JSON.stringify({ sequence, time: '' });
    return { id: `${sequence}-0`, fields: ['h', `hash-${sequence}`, 'e', text] };
  });
  return { oldestAudit: async (most: number) => elements.slice(0, most) };
}

describe('the audit entry that the trail in the store begins after', () => {
  it('is none while the trail is short', async () => {
    const all = { added: 1_099, length: 1_099 };
    expect(await anchorFor(trail(1_099), all, { id: '1099-0', added: 1_099 })).toBeNull();
  });

  it('leaves the newest 1,000 that are drained', async () => {
    const anchor = await anchorFor(
      trail(1_150),
      { added: 1_150, length: 1_150 },
      { id: '1150-0', added: 1_150 },
    );
    expect(anchor).toEqual({ id: '150-0', sequence: 150, hash: 'hash-150' });
  });

  it('leaves all that are not drained', async () => {
    const seen = { added: 5_000, length: 5_000 };
    expect(await anchorFor(trail(5_000), seen, { id: '900-0', added: 900 })).toBeNull();
    expect(await anchorFor(trail(5_000), seen, { id: '1200-0', added: 1_200 })).toMatchObject({
      sequence: 200,
    });
  });

  it('goes on from what was trimmed before', async () => {
    const left = trail(1_200);
    const anchor = await anchorFor(left, { added: 9_000, length: 1_200 }, { id: '9999-0', added: 9_000 });
    expect(anchor).toMatchObject({ id: '200-0' });
  });

  it('is one that can be read', async () => {
    const anchor = await anchorFor(
      trail(1_150, [149, 150]),
      { added: 1_150, length: 1_150 },
      { id: '1150-0', added: 1_150 },
    );
    expect(anchor).toMatchObject({ sequence: 148 });
  });
});
