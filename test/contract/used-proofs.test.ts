import { describe, expect, it } from 'vitest';
import { mostProofsAMinute, UsedProofs } from '../../src/access/proof/used-proofs.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { engines, useEngine } from './engines.ts';

const minute = 30_000_000;
const startMs = minute * 60_000;

describe.each(engines)('the proofs that were used ($name)', (engine) => {
  const on = useEngine(engine);
  const empty = async (): Promise<UsedProofs> => new UsedProofs(await on.empty(startMs), keysUnder('t:'));

  it('are taken once, by session and minute', async () => {
    const used = await empty();
    const tried = await Promise.all([1, 2, 3].map(() => used.take('ses_1', 'a', minute)));
    expect(tried.sort()).toEqual(['taken', 'used', 'used']);
    expect(await used.take('ses_1', 'b', minute)).toBe('taken');
    expect(await used.take('ses_2', 'a', minute)).toBe('taken');
    expect(await used.take('ses_1', 'a', minute + 1)).toBe('taken');
  });

  it('are so many a minute at most, and those that were used are still known', async () => {
    const used = await empty();
    for (let at = 0; at < mostProofsAMinute; at += 1) await used.take('ses_1', String(at), minute);
    expect(await used.take('ses_1', 'one more', minute)).toBe('full');
    expect(await used.take('ses_1', '0', minute)).toBe('used');
    expect(await used.take('ses_1', 'one more', minute + 1)).toBe('taken');
  });
});
