import { describe, expect, it } from 'vitest';
import { BodyBudget } from '../../../src/validation/read-body.ts';

describe('BodyBudget', () => {
  it('gives out exactly what it has', () => {
    const budget = new BodyBudget(10);
    expect(budget.take(6)).toBe(true);
    expect(budget.take(4)).toBe(true);
    expect(budget.take(1)).toBe(false);
    expect(budget.usedBytes).toBe(10);
  });

  it('counts nothing for bytes it refused', () => {
    const budget = new BodyBudget(10);
    expect(budget.take(11)).toBe(false);
    expect(budget.usedBytes).toBe(0);
  });

  it('gives out again what came back', () => {
    const budget = new BodyBudget(10);
    budget.take(10);
    budget.giveBack(3);
    expect(budget.take(4)).toBe(false);
    expect(budget.take(3)).toBe(true);
  });
});
