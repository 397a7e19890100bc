import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { type StreamEvent, streamEvent } from './events.ts';
import { ItemReplay } from './item-replay.ts';
import { type OutputItem, type ResponseObject, responseObject } from './schemas.ts';

/*
 * What is wrong with a response, or with a whole stream of events, by the Open Responses specification. Empty if nothing
 * is.
 */

/** The problems of a response that is the whole answer, or of the one in a stream's last event. */
export function responseProblems(value: unknown): string[] {
  const { data: response, error } = responseObject.safeParse(value);
  return error ? issuesOf(error) : endProblems(response);
}

/** What of a response's fields does not fit its status. */
function endProblems(response: ResponseObject): string[] {
  const { status, output, usage } = response;
  const isIncomplete = output.map((item) => item.status === 'incomplete');
  const checks: Record<string, boolean> = {
    'completed_at is there if it is completed': (response.completed_at !== null) === (status === 'completed'),
    'error is there if it failed': (response.error !== null) === (status === 'failed'),
    'incomplete_details are there if it is incomplete':
      (response.incomplete_details !== null) === (status === 'incomplete'),
    'it has ended': status !== 'in_progress',
    'its items have ended': output.every((item) => item.status !== 'in_progress'),
    'only its last item is incomplete': !isIncomplete.slice(0, -1).includes(true),
    'it is not completed if an item is incomplete': status !== 'completed' || !isIncomplete.includes(true),
    'its ids differ': distinct(output.map((item) => item.id)),
    'its call ids differ': distinct(output.flatMap((item) => ('call_id' in item ? [item.call_id] : []))),
    'its tokens add up': usage === null || usage.input_tokens + usage.output_tokens === usage.total_tokens,
  };
  return Object.entries(checks).flatMap(([rule, holds]) => (holds ? [] : [`not so: ${rule}`]));
}

/** The problems of a sequence of events, without the framing. `isCut`: the stream may end before its last event. */
export function eventProblems(values: readonly unknown[], { isCut = false } = {}): string[] {
  const parsed = values.map((value) => streamEvent.safeParse(value));
  const issues = parsed.flatMap(({ error }, at) => (error ? issuesOf(error, `event ${at}: `) : []));
  if (issues.length > 0) return issues;
  const replay = new StreamReplay();
  for (const { data } of parsed) if (data) replay.apply(data);
  return replay.end(isCut);
}

/** Follows a stream as a client does. */
class StreamReplay {
  readonly #problems: string[] = [];
  readonly #items: OutputItem[] = [];
  #count = 0;
  #created: ResponseObject | null = null;
  #open: ItemReplay | null = null;
  /** The stream has told of an error. */
  #hasError = false;
  #hasEnded = false;

  apply(event: StreamEvent): void {
    const note = (problem: string): void => {
      this.#problems.push(`event ${event.sequence_number} (${event.type}): ${problem}`);
    };
    const at = this.#count++;
    if (event.sequence_number !== at) note(`sequence_number is not ${at}`);
    if (this.#hasEnded) note('it comes after the last event');
    if (this.#hasError && event.type !== 'response.failed') note('only response.failed may follow an error');
    if ((event.type === 'response.created') !== (at === 0)) note('the first event is response.created');
    if ((event.type === 'response.in_progress') !== (at === 1))
      note('the second event is response.in_progress');
    this.#apply(event, note);
  }

  end(isCut: boolean): string[] {
    return this.#hasEnded || isCut ? this.#problems : [...this.#problems, 'the stream has no last event'];
  }

  #apply(event: StreamEvent, note: (problem: string) => void): void {
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
        return this.#begin(event.response, note);
      case 'response.output_item.added':
        return this.#beginItem(event, note);
      case 'response.output_item.done':
        return this.#endItem(event, note);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#finish(event, note);
      case 'error':
        this.#hasError = true;
        return;
      default:
        if (this.#open) this.#open.apply(event);
        else note('no item is open');
    }
  }

  #begin(response: ResponseObject, note: (problem: string) => void): void {
    const { status, output, completed_at: completedAt, usage, error, incomplete_details: details } = response;
    if (status !== 'in_progress') note(`the response begins as ${status}`);
    if (output.length > 0) note('the response begins with output');
    if ([completedAt, usage, error, details].some((field) => field !== null))
      note('the response begins ended');
    if (this.#created && !isDeepStrictEqual(this.#created, response)) note('the response has changed');
    this.#created ??= response;
  }

  #beginItem(
    event: Extract<StreamEvent, { type: 'response.output_item.added' }>,
    note: (problem: string) => void,
  ): void {
    if (this.#open) note('an item is added while another is open');
    if (this.#items.at(-1)?.status === 'incomplete') note('an item follows an incomplete one');
    if (event.output_index !== this.#items.length) note(`output_index is not ${this.#items.length}`);
    if (this.#items.some(({ id }) => id === event.item.id)) note('two items have the same id');
    this.#open = new ItemReplay(event, (problem) =>
      this.#problems.push(`item ${event.output_index}: ${problem}`),
    );
  }

  #endItem(
    event: Extract<StreamEvent, { type: 'response.output_item.done' }>,
    note: (problem: string) => void,
  ): void {
    if (this.#open) this.#open.end(event);
    else note('no item is open');
    this.#items.push(event.item);
    this.#open = null;
  }

  #finish(
    { type, response }: { type: string; response: ResponseObject },
    note: (problem: string) => void,
  ): void {
    this.#hasEnded = true;
    if (type !== `response.${response.status}`) note(`the response is ${response.status}`);
    if (this.#created && !isDeepStrictEqual(lasting(this.#created), lasting(response))) {
      note('the response has changed in more than its end');
    }
    const { output } = response;
    const ended = this.#items.length;
    if (!isDeepStrictEqual(output.slice(0, ended), this.#items))
      note('its output is not what the items were');
    const unended = output[ended];
    if (this.#open && type !== 'response.failed') note('an item is still open');
    if (unended && !this.#open?.agreesWith(unended)) note('its output has more than the items');
    if (output.length > ended + 1) note('its output has more than the items');
    this.#problems.push(...endProblems(response).map((problem) => `the last response: ${problem}`));
  }
}

/** What of a response must not change while it streams. */
function lasting({
  status: _status,
  output: _output,
  usage: _usage,
  completed_at: _at,
  incomplete_details: _details,
  error: _error,
  ...rest
}: ResponseObject): object {
  return rest;
}

function distinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

function issuesOf(error: z.ZodError, where = ''): string[] {
  return error.issues.map(({ path, message }) => `${where}${path.join('.')}: ${message}`);
}
