import { type FieldPath, fieldPath, isOptional } from '../../base/field-path.ts';

const path = String.raw`[$#]?[A-Za-z_/][\w./[\]*-]{0,127}`;
const quoted = `["'\`[(]{0,3}${path}["'\`\\])]{0,3}`;
const list = `${quoted}(?:(?:, (?:and )?| and )${quoted}){0,15}`;
const thing =
  '(?:fields?|param(?:eter)?s?|arguments?|keys?|propert(?:y|ies)|inputs?|names?|options?|attributes?|members?)(?:\\(s\\))?';
const strange =
  '(?:unknown|unrecogni[sz]ed|unsupported|unexpected|extraneous|extra|additional|disallowed|undefined)';
const refused =
  '(?:not (?:permitted|allowed|supported|recogni[sz]ed|known|expected|defined|accepted|available)|unsupported|unknown|unrecogni[sz]ed|unexpected|deprecated|disallowed|an? (?:unknown|unrecogni[sz]ed|unsupported|unexpected|extra))';

/** The words in which upstreams refuse a field by its name; the first group names it, or several. */
const words = [
  // Pydantic, and so Anthropic: "context_management: Extra inputs are not permitted".
  new RegExp(
    `(?:^|[\\s:;,{(])(${path}): (?:extra (?:inputs|fields) (?:are )?not permitted|unknown (?:field|parameter))`,
    'gi',
  ),
  // OpenAI, Go, Rust, zod, Heroku: "Unknown parameter: 'store'", "json: unknown field "store"".
  new RegExp(
    `\\b${strange} (?:keyword |request |body |input |json |query |top-level |object )*${thing}(?: (?:in|for|of) (?:the )?(?:object|body|request|input))?(?: (?:supplied|provided|found|passed|received|given))?\\s*:?\\s*(${list})`,
    'gi',
  ),
  // "'store' was unexpected", "`temperature` is deprecated for this model", "store is not supported".
  new RegExp(
    `(?:^|[\\s:;,(])(${list})(?: ${thing})?(?:: | (?:is|are|was|were)(?: a)? )${refused}\\b(?! (?:value|type|format|role))`,
    'gi',
  ),
  // "Argument not supported on this model: store", "These parameters are not supported: a, b".
  new RegExp(`\\bnot (?:supported|allowed|permitted)\\b[^:"'\`\n]{0,40}: (${list})`, 'gi'),
  // "property store should not exist", "Cannot find field: store".
  new RegExp(`\\bproperty (${quoted}) should not exist`, 'gi'),
  new RegExp(`\\bcannot find field:? (${quoted})`, 'gi'),
  // OpenAI also says it in `param`.
  new RegExp(`\\b(?:unknown_parameter|unsupported_parameter|extra_forbidden) (${path})`, 'gi'),
];

const maxFields = 16;
const joints = /, (?:and )?| and /;

/** The fields that an upstream refuses by name, as far as a request can do without them. */
export function refusedFields(said: string): readonly FieldPath[] {
  const found = new Map<string, FieldPath>();
  for (const pattern of words) {
    for (const [, names = ''] of said.matchAll(pattern)) {
      for (const each of names.split(joints)) {
        const field = fieldPath(each.replaceAll(/^["'`[(]+|["'`\])).:;,]+$/g, ''));
        if (field !== null && isOptional(field) && found.size < maxFields) found.set(field.join('.'), field);
      }
    }
  }
  return [...found.values()];
}
