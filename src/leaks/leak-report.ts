import { hash } from 'node:crypto';
import { z } from 'zod';
import { check } from '../base/check.ts';
import { withoutCredentials } from '../base/credential-text.ts';
import { Refusal } from '../base/refusal.ts';
import { isJsonObject, type JsonValue, parsedJson, utf8Text } from '../base/request.ts';

/*
 * What whoever has found a credential sends, and what they are answered: the formats of GitHub's secret scanning partner
 * program (GitHub Docs, "Secret scanning partner program").
 */

const mostFinds = 500;
const mostUrlCharacters = 300;

const text = z.string('must be a text');

const find = z.looseObject({
  token: text.meta({ description: 'The text that was found, whole.' }),
  type: text
    .nullish()
    .meta({ description: "The scanner's name for what it looks for. The answer repeats it." }),
  url: text
    .nullish()
    .meta({ description: 'Where it was found. The audit trail keeps it, without its query.' }),
  source: text.nullish().meta({ description: 'What kind of place that is.' }),
});
export type Find = z.infer<typeof find>;

const finds = z.array(find).max(mostFinds, `must have at most ${mostFinds} finds`);

/** For the API's description; `readFinds` names the field that is wrong. */
export const leakReport = z.union([finds, find]).meta({ id: 'LeakReport' });

const labels = ['true_positive', 'false_positive'] as const;
export type Label = (typeof labels)[number];

const verdict = z.object({
  token_hash: text.meta({ description: 'SHA-256 of the text, hex.' }),
  token_type: text.exactOptional(),
  label: z.enum(labels).meta({
    description:
      'true_positive: it is or was a credential of this gateway, and opens nothing any more. false_positive: it is unknown here.',
  }),
});

/** One for each find, in their order. */
export const leakVerdicts = z.array(verdict).meta({ id: 'LeakVerdicts' });

/** The finds in a body: a list, or a single one. */
export function readFinds(body: Buffer): Find[] | Refusal {
  const value = parsedJson(utf8Text(body) ?? '') as JsonValue | undefined; // of JSON
  if (value === undefined) return new Refusal('invalid_json', 'The body must be JSON in UTF-8.');
  if (Array.isArray(value)) return check(finds, value);
  if (!isJsonObject(value)) {
    return new Refusal('invalid_body', 'The body must be {"token": "…"}, or a list of such objects.');
  }
  const one = check(find, value);
  return one instanceof Refusal ? one : [one];
}

/** What is answered about a find. Its text is not repeated. */
export function verdictOn({ token, type }: Find, label: Label): z.infer<typeof verdict> {
  return { token_hash: hash('sha256', token, 'hex'), ...(type ? { token_type: type } : {}), label };
}

/**
 * The address of a find as the audit trail keeps it, where it stays: without user, query and fragment, without
 * credentials, and short. Null if it is no address of a web page. Pure.
 */
export function reportedUrl(given: string | null | undefined): string | null {
  const url = URL.parse(given ?? '');
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  return withoutCredentials(`${url.origin}${url.pathname}`).slice(0, mostUrlCharacters);
}
