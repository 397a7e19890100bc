import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../../../src/upstream/circuit-breaker.ts';
import { type Asker, Circuits } from '../../../src/upstream/circuits.ts';
import type { Cause } from '../../../src/upstream/retry.ts';

const teams = ['acme', 'bolt', 'crew'];

/** Circuits of one attachment, and a clock that the test turns. */
class Trial {
  readonly circuits = new Circuits();
  nowMs = 0;

  fail(team: string, more: Partial<Asker & { cause: Cause }> = {}): this {
    const { model = 'own', cause = 'failing', isModelKnown = true } = more;
    const failure = { cause, nowMs: this.nowMs, isProbe: false, retryAfterMs: 0, random: 0 };
    this.circuits.fail({ team, model, isModelKnown }, failure);
    return this;
  }

  state(team: string, model = 'own'): string {
    return stateOf(this.circuits.breaker(model, team, this.nowMs), this.nowMs);
  }

  get openFor(): string[] {
    return teams.filter((team) => this.state(team) === 'open');
  }
}

describe('the circuit of an attachment', () => {
  it.each<Cause>(['reset', 'limited', 'failing', 'overloaded', 'key'])(
    'opens for the team that met a failure alone, however often it did (%s)',
    (cause) => {
      const trial = new Trial();
      for (let n = 0; n < 50; n += 1) {
        trial.fail('acme', { cause });
        trial.nowMs += 1_000;
      }
      expect(trial.openFor).toEqual(['acme']);
    },
  );

  it('opens for everyone if two teams met one, until one of them may try again', () => {
    const trial = new Trial().fail('acme');
    trial.nowMs = 400;
    trial.fail('bolt');
    expect(trial.openFor).toEqual(teams);
    trial.nowMs = 1_000;
    expect(trial.openFor).toEqual(['bolt']);
  });

  it('opens for everyone if no connection comes about, and one request finds out', () => {
    const trial = new Trial().fail('acme', { cause: 'unconnected' });
    expect(trial.openFor).toEqual(teams);
    trial.nowMs = 1_000;
    expect(trial.circuits.send('own', 'bolt', trial.nowMs)).toBe(true);
    expect(trial.openFor).toEqual(teams);
    trial.circuits.connected('own'); // its answer may take long
    expect(trial.openFor).toEqual([]);
  });

  it('is an outage for whoever asks if two teams have met it, and nobody an answer', () => {
    const trial = new Trial();
    const outage = () => trial.circuits.outage('own', 'failing', trial.nowMs);
    trial.fail('acme');
    expect(outage()).toBe(null);
    trial.fail('bolt');
    expect(outage()).toEqual({ onlyTeam: null });
    expect(trial.circuits.outage('other', 'failing', trial.nowMs)).toBe(null);
    trial.circuits.succeed('own');
    expect(outage()).toBe(null);
    trial.fail('acme').nowMs += 3_600_000;
    trial.fail('bolt');
    expect(outage()).toBe(null);
  });

  it('names the team that is alone with it, after five failures in a row', () => {
    const trial = new Trial();
    const outages = Array.from({ length: 6 }, () => {
      trial.fail('acme');
      trial.nowMs += 60_000; // so that the next failure is one of a probe
      return trial.circuits.outage('own', 'failing', trial.nowMs);
    });
    expect(outages).toEqual([null, null, null, null, { onlyTeam: 'acme' }, { onlyTeam: 'acme' }]);
    trial.circuits.succeed('own');
    trial.fail('acme');
    expect(trial.circuits.outage('own', 'failing', trial.nowMs)).toBe(null);
  });

  it('is its own trouble if connections fail more than once', () => {
    const trial = new Trial();
    const isOut = (): boolean => trial.circuits.outage('own', 'unconnected', trial.nowMs) !== null;
    trial.fail('acme', { cause: 'unconnected' });
    expect(isOut()).toBe(false);
    trial.nowMs = 2_000;
    trial.fail('acme', { cause: 'unconnected' });
    expect(isOut()).toBe(true);
    expect(trial.circuits.connected('own')).toBe(true);
    expect(isOut()).toBe(false);
  });

  it('is one of a model', () => {
    const trial = new Trial().fail('acme', { cause: 'unconnected' });
    expect([trial.state('acme'), trial.state('acme', 'other')]).toEqual(['open', 'closed']);
  });

  it('closes for everyone once anyone is answered', () => {
    const trial = new Trial().fail('acme').fail('bolt').fail('crew', { cause: 'unconnected' });
    expect([trial.circuits.succeed('own'), trial.circuits.succeed('own')]).toEqual([true, false]);
    expect(trial.openFor).toEqual([]);
    expect(trial.circuits.isOpen(trial.nowMs)).toBe(false);
  });

  it('lets one request of a team probe, which keeps no other team away', () => {
    const trial = new Trial().fail('acme');
    trial.nowMs = 1_000;
    expect([1, 2].map(() => trial.circuits.send('own', 'acme', trial.nowMs))).toEqual([true, false]);
    expect(trial.openFor).toEqual(['acme']);
  });

  it('is never open for a team because of one other team, whatever that does', () => {
    const step = fc.record({
      turnMs: fc.nat(90_000),
      what: fc.constantFrom<'send' | Cause>('send', 'reset', 'limited', 'failing', 'overloaded', 'key'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const trial = new Trial();
        for (const { turnMs, what } of steps) {
          trial.nowMs += turnMs;
          if (what === 'send') trial.circuits.send('own', 'acme', trial.nowMs);
          else trial.fail('acme', { cause: what });
          expect(trial.state('bolt')).toBe('closed');
        }
      }),
    );
  });

  it('is forgotten for models that only callers name, if there are many, and for no others', () => {
    const trial = new Trial().fail('acme');
    for (let n = 0; n < 1_000; n += 1) trial.fail('acme', { model: `made-up-${n}`, isModelKnown: false });
    const left = Array.from({ length: 1_000 }, (_, n) => trial.state('acme', `made-up-${n}`));
    expect(left.filter((state) => state === 'open').length).toBeLessThanOrEqual(128);
    expect(trial.state('acme')).toBe('open');
  });

  it('remembers a few teams at a time, and opens for everyone all the same', () => {
    const trial = new Trial();
    for (let n = 0; n < 1_000; n += 1) trial.fail(`team-${n}`);
    expect(trial.openFor).toEqual(teams);
    expect(trial.circuits.breaker('own', 'team-999', 0).failures).toBe(1);
  });
});
