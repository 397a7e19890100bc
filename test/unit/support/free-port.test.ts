import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';

afterEach(() => void vi.restoreAllMocks());

describe('a free port', () => {
  it('is given once, though nobody listens on it yet', async () => {
    const first = await freePort();
    const chance = (first - 20_000 + 0.5) / 12_000;
    const drawn = vi.spyOn(Math, 'random').mockReturnValueOnce(chance);
    expect(await freePort()).not.toBe(first);
    expect(drawn.mock.calls.length).toBeGreaterThan(1);
  });

  it('is another for each of many who ask at once', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, freePort));
    expect(new Set(ports).size).toBe(200);
  });
});
