import type { EventType, GatewayEvent, StoredEvent } from '../base/event.ts';
import { eventTypes } from '../base/event.ts';
import { isJsonObject, type JsonValue, parsedJson } from '../base/request.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store, StreamEntry } from '../store/store.ts';

const scripts = {
  once: loadScript(new URL('./tell_once.lua', import.meta.url)),
  change: loadScript(new URL('./tell_change.lua', import.meta.url)),
};

/** What has a state, such as an attachment, and how it changes. */
export interface StateChange {
  /** What has the state, such as `upstream INFERENCE`. */
  of: string;
  /** The state it must have; '' for none; '*' for any but the one it gets. */
  from: string;
  /** The state it gets; '' for none. */
  to: string;
  /** The field of the data that gets for how many seconds the state before was there; absent: none. */
  lastedField?: string;
  /** For how long the state before must have been there; absent: for no time. */
  afterMs?: number;
}

/**
 * The events that the gateway has told, until they are handed to the webhooks. What changes something tells its event in
 * the same script (`store/lua/tell.lua`); this class tells what is only observed. Methods reject with `StoreUnavailable`.
 */
export class Outbox {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /**
   * Tells an event unless `mark` says that it was told, which counts until `untilMs`. With `from` and `to`: if the mark says
   * `from` ('' for nothing), and then it says `to`. Returns whether it is told now.
   */
  async once(
    event: GatewayEvent,
    mark: string,
    untilMs: number,
    { from = '', to = '1' }: { from?: string; to?: string } = {},
  ): Promise<boolean> {
    const { events, said } = this.#keys;
    const args = [from, to, Math.ceil(untilMs), ...argumentsOf(event)];
    return (await this.#store.run(scripts.once, [events, said(mark)], args)) === 1;
  }

  /** What a mark says; '' if there is none. */
  async markOf(mark: string): Promise<string> {
    return (await this.#store.attempt((client) => client.get(this.#keys.said(mark)))) ?? '';
  }

  /** Tells an event if the state of something changes by it. Returns whether it is told now. */
  async change(
    event: GatewayEvent,
    { of, from, to, lastedField = '', afterMs = 0 }: StateChange,
  ): Promise<boolean> {
    const { events, eventStates } = this.#keys;
    const [type, team, data] = argumentsOf(event);
    const args = [of, from, to, type, team, lastedField, afterMs, data];
    return (await this.#store.run(scripts.change, [events, eventStates], args)) === 1;
  }

  /** The first events after one of this id; '0-0' for the oldest. */
  async after(id: string, count: number): Promise<StoredEvent[]> {
    const read = await this.#store.attempt((client) =>
      client.xrange(this.#keys.events, `(${id}`, '+', 'COUNT', count),
    );
    return read.flatMap(eventIn);
  }
}

/** Type, team and data, as scripts that tell an event take them. */
export function argumentsOf({ type, team, data }: GatewayEvent): [type: string, team: string, data: string] {
  return [type, team ?? '', JSON.stringify(data)];
}

/** An event of the outbox; none if another version wrote what this one does not know. */
export function eventIn([id, [, type = '', , team = '', , data = '']]: StreamEntry): StoredEvent[] {
  const read = parsedJson(data) as JsonValue | undefined; // JSON.parse makes nothing else
  if (!isEventType(type) || !isJsonObject(read)) return [];
  return [{ id, timeMs: Number.parseInt(id, 10), type, team: team === '' ? null : team, data: read }];
}

function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventTypes, type);
}
