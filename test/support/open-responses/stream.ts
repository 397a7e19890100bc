import { parsedJson } from '../../../src/base/request.ts';
import { eventProblems } from './checks.ts';

interface Framed {
  /** The data of the events, parsed. `[DONE]` is not among them. */
  events: unknown[];
  problems: string[];
  isDone: boolean;
}

/** The events of a stream's text. */
export function eventsIn(stream: string): unknown[] {
  return framed(stream).events;
}

/** The response of the last event that has one; undefined if none has. */
export function lastResponseIn(stream: string): unknown {
  return eventsIn(stream)
    .map((event) => (event as { response?: unknown }).response)
    .findLast((response) => response !== undefined);
}

/**
 * What is wrong with the text of a stream, framing included; empty if nothing is. `isCut`: its connection was cut, so
 * it may end anywhere between two events.
 */
export function streamProblems(stream: string, { isCut = false } = {}): string[] {
  const { events, problems, isDone } = framed(stream);
  const hasFailed = (events.at(-1) as { type?: unknown } | undefined)?.type === 'response.failed';
  const end = isDone || isCut || hasFailed ? [] : ['the stream does not end with [DONE]'];
  return [...problems, ...eventProblems(events, { isCut }), ...end];
}

/** Comments may stand between two events. */
function framed(stream: string): Framed {
  const problems: string[] = [];
  const events: unknown[] = [];
  const blocks = stream.split('\n\n');
  if (blocks.pop() !== '') problems.push('the stream ends inside an event');
  let isDone = false;
  for (const block of blocks) {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    if (lines.length === 0) continue;
    if (isDone) problems.push('something follows [DONE]');
    const [, name, data] = /^(?:event: (\S+)\n)?data: ([^\n]+)$/.exec(lines.join('\n')) ?? [];
    if (data === undefined) problems.push(`this is no event: ${JSON.stringify(block)}`);
    else if (data === '[DONE]' && name === undefined) isDone = true;
    else {
      const event = parsedJson(data);
      events.push(event);
      if (name !== (event as { type?: unknown } | undefined)?.type) {
        problems.push(`the event ${String(name)} has another type in its data`);
      }
    }
  }
  return { events, problems, isDone };
}
