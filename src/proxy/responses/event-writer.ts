/** An event without its number: its type, and the other members of its data. */
export type EventMembers = readonly [type: string, members: string];

/** The members of the events that tell an item's text, around the text of one. */
export interface DeltaMembers {
  type: string;
  before: string;
  after: string;
}

const numberMember = ',"sequence_number":';
const eventEnd = '}\n\n';

/** Writes events, numbered from 0, as Latin-1 text. */
export class EventWriter {
  #text = '';
  #number = 0;
  /** Around the text of a delta. */
  #before = '';
  #after = '';

  /** What was written since it was taken last. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  tell([type, members]: EventMembers): void {
    this.#text += eventBegin(type) + members + numberMember + this.#number + eventEnd;
    this.#number += 1;
  }

  /** The deltas that follow have these members. */
  expectDeltas({ type, before, after }: DeltaMembers): void {
    this.#before = eventBegin(type) + before;
    this.#after = after + numberMember;
  }

  /** An event for more of a text, a raw string. */
  delta(raw: string): void {
    this.#text += this.#before + raw + this.#after + this.#number + eventEnd;
    this.#number += 1;
  }

  /** What ends a stream (Open Responses, "Streaming"). */
  endMark(): void {
    this.#text += 'data: [DONE]\n\n';
  }
}

function eventBegin(type: string): string {
  return `event: ${type}\ndata: {"type":"${type}",`;
}
