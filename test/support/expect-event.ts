import { expect } from 'vitest';
import { eventTypes, type EventType, type StoredEvent } from '../../src/base/event.ts';
import type { JsonObject } from '../../src/base/request.ts';

/**
 * Checks that an event is one of the table, with nothing in its data that the table does not have, and returns its data.
 * With `type`: that it is of this type.
 */
export function expectEvent(
  event: Pick<StoredEvent, 'type' | 'team' | 'data'>,
  type?: EventType,
): JsonObject {
  if (type !== undefined) expect(event.type).toBe(type);
  const { of, data } = eventTypes[event.type];
  expect(() => data.strict().parse(event.data), `the data of ${event.type}`).not.toThrow();
  if (of !== 'either') expect(event.team === null, `${event.type} is of a ${of}`).toBe(of === 'gateway');
  return event.data;
}
