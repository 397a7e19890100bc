import type { StoredEvent } from '../base/event.ts';
import { isJsonObject, type JsonValue, parsedJson } from '../base/request.ts';

/** An event as it is sent: another version of the gateway may have told it, with a type that this one does not know. */
export type SentEvent = Omit<StoredEvent, 'type'> & { readonly type: string };

/** An event that is to be sent now. */
export interface DueEvent {
  readonly event: SentEvent;
  /** How often it was tried. */
  readonly tries: number;
  /** Since when it is due, ms by the store's clock. */
  readonly dueAtMs: number;
}

/** What waits for a webhook. */
export interface Waiting {
  /** How many events. */
  readonly count: number;
  /** The first that is to be sent now; null if none is due, or the webhook rests. */
  readonly due: DueEvent | null;
  /** How often it has failed in a row. */
  readonly failures: number;
  /** Since when, ms by the store's clock; null: it has not. */
  readonly failingSinceMs: number | null;
}

/** Reads the part of a webhook in the reply of `read_due.lua`. Pure. */
export function waitingIn([count, id, text, dueAt, trouble]: readonly unknown[]): Waiting {
  const [failures, since] = String(trouble).split(' ');
  const isFailing = since !== undefined;
  return {
    count: Number(count),
    due: id === '' ? null : dueEvent(String(id), String(text), Number(dueAt)),
    failures: isFailing ? Number(failures) : 0,
    failingSinceMs: isFailing ? Number(since) : null,
  };
}

const waitingText = /^(?<tries>\d+) (?<type>\S+) (?<team>\S+) (?<data>.*)$/s;

function dueEvent(id: string, text: string, dueAtMs: number): DueEvent {
  const { tries, type = '', team = '-', data = '' } = waitingText.exec(text)?.groups ?? {};
  const read = parsedJson(data) as JsonValue | undefined; // JSON.parse makes nothing else
  const event: SentEvent = {
    id,
    timeMs: Number.parseInt(id, 10),
    type,
    team: team === '-' ? null : team,
    data: isJsonObject(read) ? read : {},
  };
  return { event, tries: Number(tries ?? 0), dueAtMs };
}
