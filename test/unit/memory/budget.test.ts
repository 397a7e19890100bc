import { beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../src/memory/account.ts';
import { MemoryBudget } from '../../../src/memory/budget.ts';

const mebibyte = 1_048_576;
const bounds = {
  maxBytes: 128 * mebibyte,
  maxBodyBytes: 10 * mebibyte,
  maxImportBytes: 16 * mebibyte,
  maxCalls: 4_096,
};

let budget: MemoryBudget;

beforeEach(() => {
  budget = new MemoryBudget(bounds);
});

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const caller = (team: string, token = `tok_${team}`, session: string | null = null): Account =>
  budget.caller({ team, token, session });

/** Takes as much as the accounts get, 1 MiB at a time each, and says who had no room for the last. */
function fill(accounts: readonly Account[]): string {
  for (;;) {
    const refusals = accounts.map((account) => account.take(mebibyte));
    const last = refusals.at(-1);
    if (last && refusals.every((refusal) => refusal !== null)) return last.message;
  }
}

describe('a share', () => {
  it('is named when it is full, with when to try again', () => {
    const session = caller('a', 'tok_1', 'ses_1');
    expect(fill([session])).toMatch(/^This session /);
    expect(session.take(mebibyte)).toMatchObject({
      status: 503,
      code: 'overloaded',
      headers: { 'retry-after': '1' },
    });
  });

  it.each<[string, string, () => Account[]]>([
    ['many sessions of a token', 'This token', () => range(20).map((n) => caller('a', 'tok_1', `ses_${n}`))],
    ['many tokens of a team', 'This team', () => range(20).map((n) => caller('a', `tok_${n}`))],
    [
      'many sessions of many tokens',
      'This team',
      () => range(40).map((n) => caller('a', `tok_${n % 5}`, `ses_${n}`)),
    ],
    ['an administrator', 'This administrator', () => [budget.administrator('adm_1')]],
  ])('of %s leaves half to others', (_, whose, accounts) => {
    expect(fill(accounts())).toContain(whose);
    expect(budget.heldBytes).toBeLessThanOrEqual(bounds.maxBytes / 2);
    const honest = caller('honest');
    for (let bytes = 0; bytes < 48 * mebibyte; bytes += mebibyte) expect(honest.take(mebibyte)).toBeNull();
  });

  it('of two teams leaves the last eighth to those who hold little', () => {
    const hostile = range(8).map((n) => caller(n % 2 === 0 ? 'a' : 'b', `tok_${n}`));
    fill(hostile);
    expect(budget.heldBytes).toBeLessThanOrEqual((bounds.maxBytes * 7) / 8 + mebibyte);
    for (const n of range(8)) expect(caller(`small_${n}`).take(mebibyte)).toBeNull();
  });

  it('of a session leaves a part to the other sessions of its token, and of a token to its team', () => {
    fill([caller('a', 'tok_1', 'ses_1')]);
    expect(caller('a', 'tok_1', 'ses_2').take(10 * mebibyte)).toBeNull();
    fill([caller('a', 'tok_1')]);
    expect(caller('a', 'tok_2').take(mebibyte)).toBeNull();
  });

  it('holds a body of the largest size, whatever the budget', () => {
    budget = new MemoryBudget({ ...bounds, maxBytes: bounds.maxBodyBytes });
    expect(caller('a', 'tok_1', 'ses_1').take(bounds.maxBodyBytes)).toBeNull();
    expect(caller('b').take(1)).toMatchObject({ message: expect.stringMatching(/^The gateway /) });
  });

  it('of what is not authenticated is small, and apart', () => {
    const many = range(100).map((n) => budget.stranger(`192.0.2.${n}`));
    expect(fill(many)).toMatch(/credential/);
    expect(many.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(bounds.maxBytes / 16);
    expect(budget.heldBytes).toBe(0);
    expect(caller('a').take(10 * mebibyte)).toBeNull();
  });

  it('of an address without a credential leaves room to other addresses', () => {
    expect(fill([budget.stranger('192.0.2.1')])).toContain('Your address, without');
    expect(budget.stranger('192.0.2.2').take(32_768)).toBeNull();
  });
});

describe('calls under way', () => {
  it('are bounded by the same shares', () => {
    const account = caller('a');
    let calls = 0;
    while (account.enter() === null) calls += 1;
    expect(calls).toBe(1_536);
    expect(account.enter()).toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('1536'),
    });
    const other = caller('a', 'tok_2');
    while (other.enter() === null) calls += 1;
    expect(calls).toBe(2_048);
    expect(caller('b').enter()).toBeNull();
    account.leave();
    expect(other.enter()).toBeNull();
  });
});

describe('accounts', () => {
  it('that are idle are forgotten, those in use are not', () => {
    const used = caller('a', 'tok_used', 'ses_used');
    used.take(7);
    const idle = caller('team_1', 'tok_1');
    for (const n of range(10_100)) caller(`team_${n}`, `tok_${n}`);
    expect(caller('a', 'tok_used', 'ses_used')).toBe(used);
    expect(caller('team_1', 'tok_1')).not.toBe(idle);
    used.add(-7);
    expect(budget.heldBytes).toBe(0);
  });
});
