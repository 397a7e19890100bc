import { z } from 'zod';
import { looksLikeCredential } from './credential-text.ts';

/*
 * Tags say what a request was for: `{"project":"x"}`. Entries and sums keep them as one text, `env=test,project=x`, with
 * its keys in order, so that equal tags are equal texts; '' if there are none. No key or value has a comma or a `=`.
 */

export const maxTags = 8;

const keyPattern = /^[a-z][a-z0-9_-]{0,19}$/;
const valuePattern = /^[A-Za-z0-9._:/@-]{1,40}$/;
const keyExpected = 'must be a tag key: 1 to 20 of a-z, 0-9, _ and -, and begin with a letter';
const valueExpected = 'must be 1 to 40 of A-Z, a-z, 0-9 and . _ : / @ -';

export const tagKey = z.string().superRefine((key, context) => {
  const message = keyProblem(key);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** Tags as the API has them. */
export const tags = z
  .record(z.string(), z.string())
  .superRefine((value, context) => {
    const entries = Object.entries(value);
    if (entries.length > maxTags) {
      context.addIssue({ code: 'custom', message: `must have at most ${maxTags} tags` });
      return;
    }
    for (const [key, text] of entries) {
      const message = keyProblem(key) ?? valueProblem(text);
      if (message !== null) context.addIssue({ code: 'custom', path: [key], message });
    }
  })
  .meta({ description: 'Such as {"project":"x"}: at most 8. Keys are those that the team has in tag_keys.' });
export type Tags = z.infer<typeof tags>;

/** Null if it can be a key. */
function keyProblem(key: string): string | null {
  if (!keyPattern.test(key)) return keyExpected;
  return looksLikeCredential(key) ? 'looks like a token or a key' : null;
}

/** Null if it can be a value. */
function valueProblem(text: string): string | null {
  if (!valuePattern.test(text)) return valueExpected;
  return looksLikeCredential(text) ? 'looks like a token or a key' : null;
}

/** The text of tags; the same whatever the order of their keys. */
export function tagText(of: Readonly<Tags> | null | undefined): string {
  return Object.entries(of ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

/** The tags of a text; null if there are none. */
export function tagsIn(text: string | null): Tags | null {
  if (text === null || text === '') return null;
  return Object.fromEntries(
    text.split(',').map((tag): [string, string] => {
      const at = tag.indexOf('=');
      return [tag.slice(0, at), tag.slice(at + 1)];
    }),
  );
}

/** The value of a tag in a text; null if the text does not have the key. */
export function tagIn(text: string, key: string): string | null {
  const whole = `,${text}`;
  const at = whole.indexOf(`,${key}=`);
  if (at < 0) return null;
  const begins = at + key.length + 2;
  const ends = whole.indexOf(',', begins);
  return whole.slice(begins, ends < 0 ? undefined : ends);
}

/** Whether a text has all these tags. */
export function hasTags(text: string, wanted: Readonly<Tags>): boolean {
  return Object.entries(wanted).every(([key, value]) => tagIn(text, key) === value);
}

/** The tags of a list such as `project=x, env=test`, which has each key once; a text says what is wrong with it. */
export function parseTagList(list: string): Tags | string {
  const found = new Map<string, string>();
  for (const item of list.split(',')) {
    const tag = item.trim();
    const at = tag.indexOf('=');
    if (at < 0) return 'must be tags such as project=x, with commas between them';
    const [key, value] = [tag.slice(0, at), tag.slice(at + 1)];
    const wrong = keyProblem(key);
    if (wrong !== null) return `${wrong}, then = and a value`;
    const wrongValue = valueProblem(value);
    if (wrongValue !== null) return `names ${key} with a value that is none: it ${wrongValue}`;
    if (found.has(key)) return `names ${key} twice`;
    found.set(key, value);
  }
  return Object.fromEntries(found);
}
