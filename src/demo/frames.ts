import type { JsonValue } from '../base/request.ts';

/** A frame as Heroku's streams carry it: an event name, and no space after the colons. */
export function messageFrame(data: JsonValue): string {
  return `event:message\ndata:${JSON.stringify(data)}\n\n`;
}

/** A frame as Anthropic's API writes it: the event's name is its type. */
export function namedFrame(event: string, data: JsonValue): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What an agent sends while a tool is running. */
export const heartbeatFrame = 'event:heartbeat\ndata:{}\n\n';

/** What a stream ends with; one client throws on a bare `[DONE]` without the event name. */
export const doneFrame = 'event:done\ndata:[DONE]\n\n';
