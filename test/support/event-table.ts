import { z } from 'zod';
import { eventNames, eventTypes } from '../../src/base/event.ts';

/** The rows of docs/webhooks.md: `| type | whose | when | data |`, as the table of events has them. */
export function eventRows(): string[] {
  return eventNames.map((type) => {
    const { of, says, data } = eventTypes[type];
    return `| \`${type}\` | ${of} | ${says} | ${fieldsOf(data)} |`;
  });
}

function fieldsOf(data: z.ZodObject): string {
  return Object.entries(data.shape)
    .map(([name, field]) => `\`${name}${inner(field as z.ZodType)}\``) // a shape has schemas
    .join(', ');
}

/** Names of what is inside a field: ` [{a, b}]` of a list of objects, ` {a}` of an object, else nothing. */
function inner(field: z.ZodType): string {
  if (field instanceof z.ZodArray) {
    const within = inner(field.element as z.ZodType); // of a list that has schemas
    return within === '' ? '' : ` [${within.trim()}]`;
  }
  return field instanceof z.ZodObject ? ` {${Object.keys(field.shape).join(', ')}}` : '';
}
