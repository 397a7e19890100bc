import type { JsonObject } from '../base/request.ts';
import { allowed, plain } from './cells.ts';
import { padded, shortened, widthOf, wrapped } from './text-width.ts';

/** As wide as a terminal is that nobody has made wider. */
export const maxWidth = 80;

/** A record, a field a line. What cannot be broken is left whole, so that it can be copied: a token, a link. */
export function fieldList(record: JsonObject): string {
  return fieldLines(Object.entries(record).map(([key, value]) => [plain(key), allowed(key, value)])).join(
    '\n',
  );
}

/** Names, and beside them what they are, in as many lines as that needs. */
export function fieldLines(fields: readonly (readonly [name: string, text: string])[]): string[] {
  const indent = Math.max(...fields.map(([name]) => widthOf(name))) + 2;
  return fields.flatMap(([name, text]) =>
    wrapped(text, maxWidth - indent).map((line, n) => padded(n === 0 ? name : '', indent) + line),
  );
}

/** The same, cut off where it is too wide all the same. */
export function fieldLinesThatFit(fields: readonly (readonly [name: string, text: string])[]): string[] {
  return fieldLines(fields).map((line) => shortened(line, maxWidth));
}
