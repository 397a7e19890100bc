import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../src/memory/account.ts';
import { MemoryBudget } from '../../../src/memory/budget.ts';
import { Holding, holdingOf } from '../../../src/memory/holding.ts';

let budget: MemoryBudget;
let holding: Holding;

beforeEach(() => {
  budget = new MemoryBudget({ maxBytes: 1_000, maxBodyBytes: 10, maxImportBytes: 10, maxCalls: 16 });
  holding = new Holding();
});

const account = (): Account => budget.caller({ team: 'a', token: 'tok_1', session: null });

describe('what a call holds', () => {
  it('is the sum of its body, its answer and what is not read, as they are now', () => {
    holding.enter(account());
    holding.body(100);
    holding.answer(20);
    holding.unread(3);
    expect([holding.bytes, budget.heldBytes, account().bytes]).toEqual([123, 123, 123]);
    holding.body(0);
    holding.unread(1);
    expect(budget.heldBytes).toBe(21);
  });

  it('does not change if it is refused', () => {
    holding.enter(account());
    holding.body(300);
    expect(holding.answer(100)).toMatchObject({ code: 'overloaded' });
    expect(budget.heldBytes).toBe(300);
    expect(holding.answer(75)).toBeNull();
  });

  it('is counted for its address, too, and refused if that holds too much', () => {
    const address = budget.address('192.0.2.1');
    holding.enter(account());
    holding.body(100);
    holding.countAt(address);
    holding.countAt(address);
    expect(address.bytes).toBe(100);
    address.add(640);
    expect(holding.body(200)).toMatchObject({ message: expect.stringContaining('Your address') });
    expect([budget.heldBytes, address.bytes]).toEqual([100, 740]);
    holding.leave();
    expect([budget.heldBytes, address.bytes, address.calls]).toEqual([0, 640, 0]);
  });

  it('is given back once, when the call has ended', () => {
    holding.enter(account());
    holding.body(100);
    holding.leave();
    holding.leave();
    holding.body(0);
    holding.answer(5);
    expect([budget.heldBytes, account().calls]).toEqual([0, 0]);
  });

  it('belongs to its response', () => {
    const response = {} as ServerResponse; // a holding needs nothing of it
    expect(holdingOf(response)).toBe(holdingOf(response));
  });
});
