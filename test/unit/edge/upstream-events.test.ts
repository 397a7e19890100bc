import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/base/event.ts';
import { UpstreamEvents } from '../../../src/edge/upstream-events.ts';
import type { StateChange } from '../../../src/events/outbox.ts';
import { expectEvent } from '../../support/expect-event.ts';

const minuteMs = 60_000;

/** Tells into a list; the test turns the clock. */
class Trial {
  nowMs = 0;
  readonly told: string[] = [];
  readonly events = new UpstreamEvents({
    teller: {
      change: (event, change) => this.#tell(event, changeText(change)),
      once: (event, mark) => this.#tell(event, mark),
    },
    clock: { monotonic: () => this.nowMs },
    storeNowMs: () => 0,
  });

  #tell(event: GatewayEvent, how: string): void {
    expectEvent(event);
    this.told.push(`${event.type} ${how}`);
  }
}

const changeText = ({ of, from, to }: StateChange): string => `${of}: ${from} > ${to}`;
const unconnected = { attachment: 'A', model: null, cause: 'unconnected', onlyTeam: null } as const;
const failing = { attachment: 'A', model: 'm', cause: 'failing', onlyTeam: 'acme' } as const;

describe('events of attachments', () => {
  it('are told once a minute while one fails, for the store to know whether they were', () => {
    const trial = new Trial();
    for (let n = 0; n < 50; n += 1) for (const failure of [unconnected, failing]) trial.events.down(failure);
    const down = ['upstream.down upstream A: * > down', 'upstream.down upstream A m: * > down'];
    expect(trial.told).toEqual(down);
    trial.nowMs = minuteMs;
    trial.events.down(failing);
    expect(trial.told).toEqual([...down, down[1]]);
  });

  it('are told of what has recovered, if it was down', () => {
    const trial = new Trial();
    trial.events.recovered({ attachment: 'A', model: 'm' });
    expect(trial.told).toEqual([]);
    trial.events.down(unconnected);
    trial.events.down(failing);
    trial.events.recovered({ attachment: 'B', model: 'm' });
    trial.events.recovered({ attachment: 'A', model: 'm' });
    trial.events.recovered({ attachment: 'A', model: 'm' });
    expect(trial.told.slice(2)).toEqual([
      'upstream.recovered upstream A: down > up',
      'upstream.recovered upstream A m: down > up',
    ]);
  });

  it('are told of a refused key once an hour, under a mark of the attachment', () => {
    const trial = new Trial();
    for (let n = 0; n < 50; n += 1) trial.events.keyRefused({ attachment: 'A', status: 401 });
    trial.events.keyRefused({ attachment: 'B', status: 403 });
    expect(trial.told).toEqual(['upstream.key_refused key refused A', 'upstream.key_refused key refused B']);
    trial.nowMs = 60 * minuteMs;
    trial.events.keyRefused({ attachment: 'A', status: 401 });
    expect(trial.told).toHaveLength(3);
  });
});
