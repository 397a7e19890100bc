import { describe, expect, it } from 'vitest';
import { atStart, Gate, type GateEvent, type GateState, nextState } from '../../../src/records/gate.ts';
import { GatedStore } from '../../../src/records/gated-store.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { embeddedStore } from '../../support/embedded-store.ts';

function after(...events: readonly GateEvent[]): GateState {
  let state = atStart;
  for (const event of events) state = nextState(state, event);
  return state;
}

const inStep = (doubts: number): GateEvent => ({ kind: 'compared', doubts, hasForgotten: false });
const forgot = (doubts: number): GateEvent => ({ kind: 'compared', doubts, hasForgotten: true });
const lost: GateEvent = { kind: 'doubt', why: 'unreachable' };
const forgottenFound: GateEvent = { kind: 'doubt', why: 'forgotten' };
const away = (
  doubts: number,
  store: 'drained' | 'older' | 'used' | 'empty',
  wasReached = false,
): GateEvent => ({
  kind: 'records_away',
  doubts,
  store,
  wasReached,
});
const unusable: GateEvent = { kind: 'records_unusable' };

describe('the gate', () => {
  it('is closed until the store was compared with its records', () => {
    expect(atStart.closed).toBe('unchecked');
    expect(after(inStep(0)).closed).toBeNull();
  });

  it('closes when the connection is lost, and opens once the store was compared again', () => {
    expect(after(inStep(0), lost).closed).toBe('unchecked');
    expect(after(inStep(0), lost, inStep(1)).closed).toBeNull();
  });

  it('does not open by what was found before the last doubt', () => {
    expect(after(lost, inStep(0)).closed).toBe('unchecked');
    expect(after(inStep(0), forgottenFound, inStep(0)).closed).toBe('forgotten');
    expect(after(lost, away(0, 'drained')).closed).toBe('unchecked');
  });

  it('stays closed while a store that has forgotten is restored, whatever its connection does', () => {
    expect(after(forgot(0)).closed).toBe('forgotten');
    expect(after(forgot(0), lost).closed).toBe('forgotten');
    expect(after(forgot(0), lost, forgot(1), inStep(1)).closed).toBeNull();
  });

  it('opens without Postgres if the store has data, and nothing says that it lacks some', () => {
    expect(after(away(0, 'drained')).closed).toBeNull();
    expect(after(away(0, 'used')).closed).toBeNull();
  });

  it('stays closed without Postgres if the store is empty, or older than it was', () => {
    expect(after(away(0, 'empty')).closed).toBe('no_records');
    expect(after(away(0, 'older')).closed).toBe('no_records');
    expect(after(away(0, 'used', true)).closed).toBe('no_records');
    expect(after(away(0, 'empty'), inStep(0)).closed).toBeNull();
  });

  it('stays closed without Postgres if the store was found to have forgotten, even if it has data by then', () => {
    expect(after(inStep(0), forgottenFound, away(1, 'used')).closed).toBe('forgotten');
    expect(after(forgot(0), away(0, 'drained')).closed).toBe('forgotten');
  });

  it('is open for good if Postgres cannot be used, until it can', () => {
    expect(after(unusable).closed).toBeNull();
    expect(after(unusable, lost).closed).toBeNull();
    expect(after(unusable, forgottenFound).closed).toBeNull();
    expect(after(unusable, inStep(0), lost).closed).toBe('unchecked');
  });
});

describe('a gated store', () => {
  function gated() {
    const gate = new Gate();
    return {
      gate,
      store: new GatedStore(
        embeddedStore(() => 0),
        gate,
      ),
    };
  }

  it('runs nothing while its gate is closed, says why, and knows that nothing has run', async () => {
    const { gate, store } = gated();
    const ask = (): Promise<string | null> => store.attempt((client) => client.get('key'));
    await expect(ask()).rejects.toMatchObject({
      constructor: StoreUnavailable,
      mayHaveRun: false,
      told: expect.stringContaining('restored from its records') as string,
    });
    expect(store.problem).toBe('it is being compared with its records');
    gate.note(inStep(0));
    expect(await ask()).toBeNull();
    expect(store.problem).toBeNull();
  });

  it('is ready each time its gate opens', async () => {
    const { gate, store } = gated();
    let ready = 0;
    store.onReady(() => (ready += 1));
    const connected = store.connected();
    gate.note(inStep(0));
    await connected;
    gate.note(lost);
    expect(store.problem).not.toBeNull();
    gate.note(forgot(1));
    gate.note(inStep(1));
    expect(ready).toBe(2);
  });

  it('calls for a look at every doubt, not at what is found', () => {
    const { gate } = gated();
    let looks = 0;
    gate.onClosed(() => (looks += 1));
    gate.note(inStep(0));
    gate.note(lost);
    gate.note(forgot(1));
    gate.note(forgottenFound);
    expect(looks).toBe(2);
  });
});
