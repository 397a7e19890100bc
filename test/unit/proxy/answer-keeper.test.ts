import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { maxKeptBytes } from '../../../src/limits/kept-answer.ts';
import { WholeAnswer } from '../../../src/proxy/answer-keeper.ts';

/** What the caller holds for it now, and what its share allows. */
const holding = {
  bytes: 0,
  most: Infinity,
  kept(bytes: number): Refusal | null {
    if (bytes > this.most) return new Refusal('overloaded', 'Full.');
    this.bytes = bytes;
    return null;
  },
};

let keeper: WholeAnswer;

beforeEach(() => {
  holding.bytes = 0;
  holding.most = Infinity;
  keeper = new WholeAnswer(holding);
  keeper.begin(200, ['content-type', 'text/event-stream']);
});

describe('an answer that is kept', () => {
  it('has every byte and the headers of its attempts, is counted meanwhile, and is taken once', () => {
    keeper.add('a\u00e4');
    keeper.add('b');
    keeper.with(['x-tollgate-model', 'm']);
    expect(holding.bytes).toBe(3);
    expect(keeper.take()).toEqual({
      status: 200,
      headers: ['x-tollgate-model', 'm', 'content-type', 'text/event-stream'],
      body: Buffer.from('a\u00e4b', 'latin1'),
    });
    expect(holding.bytes).toBe(0);
    expect(keeper.take()).toBeNull();
  });

  it('is as large as it may be, and not one byte more', () => {
    keeper.add('x'.repeat(maxKeptBytes));
    expect(keeper.take()?.body).toHaveLength(maxKeptBytes);

    keeper = new WholeAnswer(holding);
    keeper.begin(200, []);
    keeper.add('x'.repeat(maxKeptBytes));
    keeper.add('x');
    expect(holding.bytes).toBe(0);
    keeper.add('y');
    expect(holding.bytes).toBe(0);
    expect(keeper.take()).toBeNull();
  });

  it("finds room in its caller's share, or is not kept", () => {
    holding.most = 10;
    keeper.add('12345678');
    keeper.add('12345678');
    expect(holding.bytes).toBe(0);
    expect(keeper.take()).toBeNull();
  });

  it('has begun', () => {
    expect(new WholeAnswer(holding).take()).toBeNull();
  });
});
