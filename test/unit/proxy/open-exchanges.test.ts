import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OpenExchange, OpenExchanges } from '../../../src/proxy/open-exchanges.ts';

class FakeExchange implements OpenExchange {
  slot = -1;
  streaming = false;
  ticks = 0;
  ended = 0;
  onTick: () => void = () => undefined;

  tick(): void {
    this.ticks += 1;
    this.onTick();
  }

  shutDown(): void {
    this.ended += 1;
  }
}

let open: OpenExchanges;

beforeEach(() => {
  vi.useFakeTimers();
  open = new OpenExchanges({ now: () => Date.now(), monotonic: () => performance.now() });
});

afterEach(() => {
  open.close();
  vi.useRealTimers();
});

describe('the open exchanges', () => {
  it('are counted', () => {
    const [one, other] = [new FakeExchange(), new FakeExchange()];
    open.add(one);
    open.add(other);
    expect(open.size).toBe(2);
    open.remove(other);
    open.remove(other);
    expect(open.size).toBe(1);
    open.remove(new FakeExchange());
    expect(open.size).toBe(1);
  });

  it('tell how many of them are streams', () => {
    const stream = new FakeExchange();
    stream.streaming = true;
    open.add(stream);
    open.add(new FakeExchange());
    expect(open.streams).toBe(1);
    open.remove(stream);
    expect(open.streams).toBe(0);
  });

  it('tick ten times a second, with the time of the tick', () => {
    const exchange = new FakeExchange();
    open.add(exchange);
    vi.advanceTimersByTime(1_000);
    expect(exchange.ticks).toBe(10);
    expect(open.nowMs).toBe(performance.now());
  });

  it('tick once each where one of them ends itself or begins another meanwhile', () => {
    const all = Array.from({ length: 5 }, () => new FakeExchange());
    for (const exchange of all) {
      exchange.onTick = () => open.remove(exchange);
      open.add(exchange);
    }
    vi.advanceTimersByTime(100);
    expect(all.map(({ ticks }) => ticks)).toEqual([1, 1, 1, 1, 1]);
    expect(open.size).toBe(0);
  });

  it('end all at shutdown, those as well that leave as they end', () => {
    const all = Array.from({ length: 5 }, () => new FakeExchange());
    for (const exchange of all) {
      exchange.shutDown = () => {
        exchange.ended += 1;
        open.remove(exchange);
      };
      open.add(exchange);
    }
    open.shutDown();
    expect(all.map(({ ended }) => ended)).toEqual([1, 1, 1, 1, 1]);
    expect(open.size).toBe(0);
  });

  it('stop with the process', () => {
    const exchange = new FakeExchange();
    open.add(exchange);
    open.close();
    vi.advanceTimersByTime(1_000);
    expect(exchange.ticks).toBe(0);
  });

  it('are exactly those added and not removed, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 60 }), (steps) => {
        const table = new OpenExchanges({ now: () => 0, monotonic: () => 0 });
        const all = Array.from({ length: 10 }, () => new FakeExchange());
        const inside = new Set<FakeExchange>();
        for (const [adds, n] of steps) {
          const exchange = all[n];
          if (!exchange || (adds && inside.has(exchange))) continue;
          if (adds) {
            table.add(exchange);
            inside.add(exchange);
          } else {
            table.remove(exchange);
            inside.delete(exchange);
          }
        }
        table.shutDown();
        table.close();
        expect(all.filter(({ ended }) => ended === 1)).toEqual(all.filter((each) => inside.has(each)));
        expect(table.size).toBe(inside.size);
      }),
    );
  });
});
