import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../src/upstream/request-queue.ts';

interface Item {
  team: string;
  n: number;
}

const any = (): boolean => true;

function queueOf(items: readonly Item[]): FairQueue<Item> {
  const queue = new FairQueue<Item>({ max: 1_000, maxOfTeam: 1_000 });
  for (const item of items) queue.add(item);
  return queue;
}

function drained(queue: FairQueue<Item>): string[] {
  const order: string[] = [];
  for (let item = queue.take(any); item; item = queue.take(any)) order.push(`${item.team}${item.n}`);
  return order;
}

describe('a fair queue', () => {
  it('serves teams in turn, and within a team who came first', () => {
    const items = ['a', 'a', 'a', 'b', 'c', 'c'].map((team, n) => ({ team, n }));
    expect(drained(queueOf(items))).toEqual(['a0', 'b3', 'c4', 'a1', 'c5', 'a2']);
  });

  it('passes over items that are not ready, which keep their place', () => {
    const queue = queueOf([
      { team: 'a', n: 0 },
      { team: 'a', n: 1 },
      { team: 'b', n: 2 },
    ]);
    expect(queue.take(({ n }) => n !== 0)).toMatchObject({ n: 1 });
    expect(queue.take(() => false)).toBeNull();
    expect(drained(queue)).toEqual(['b2', 'a0']);
  });

  it('forgets items that were removed', () => {
    const left = { team: 'a', n: 0 };
    const queue = queueOf([left, { team: 'b', n: 1 }]);
    queue.remove(left);
    queue.remove(left);
    expect(queue.size).toBe(1);
    expect(drained(queue)).toEqual(['b1']);
    expect(queue.size).toBe(0);
  });

  it('has space for so many in all, and so many of a team', () => {
    const queue = new FairQueue<Item>({ max: 3, maxOfTeam: 2 });
    queue.add({ team: 'a', n: 0 });
    queue.add({ team: 'a', n: 1 });
    expect([queue.hasSpace('a'), queue.hasSpace('b')]).toEqual([false, true]);
    queue.add({ team: 'b', n: 2 });
    expect([queue.hasSpace('b'), queue.hasSpace('c')]).toEqual([false, false]);
  });

  it('serves all once, each team in its own order, and no team twice while another waits', () => {
    const teams = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 });
    fc.assert(
      fc.property(teams, (names) => {
        const items = names.map((team, n) => ({ team, n }));
        const order = drained(queueOf(items));
        expect([...order].sort()).toEqual(items.map(({ team, n }) => `${team}${n}`).sort());
        for (const team of new Set(names)) {
          const own = order.filter((text) => text.startsWith(team)).map((text) => Number(text.slice(1)));
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
        order.forEach((text, at) => {
          const team = text[0] ?? '';
          const next = order.findIndex((later, then) => then > at && later.startsWith(team));
          if (next < 0) return;
          const waiting = new Set(order.slice(at + 1).map((later) => later[0]));
          expect(new Set(order.slice(at + 1, next + 1).map((later) => later[0]))).toEqual(waiting);
        });
      }),
    );
  });
});
