import type { Attachment } from '../base/attachment.ts';
import { maskedCredentials } from '../base/credential-text.ts';

const mask = '***';

/** Whatever may be a key of Heroku's. */
const inferenceKeys = /\binf-[\w-]+/gi;
/** Addresses inside a network, which are nobody's business outside. */
const innerAddresses =
  /\b(?:https?:\/\/)?(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[\w-]+(?:\.[\w-]+)*\.(?:internal|local|svc|cluster|lan|intranet))(?::\d{1,5})?(?:\/[^\s"'<>)]*)?/gi;

/** What an upstream says, for the caller: without keys, the attachment's name and address, and inner addresses. Pure. */
export function redacted(text: string, { name, baseUrl, key }: Attachment): string {
  const { origin, host, hostname } = new URL(baseUrl);
  let clean = maskedCredentials(text.replaceAll(key, mask), mask).replaceAll(inferenceKeys, mask);
  for (const each of [baseUrl, origin, host, hostname]) clean = clean.replaceAll(each, mask);
  clean = clean.replaceAll(innerAddresses, mask);
  // Names are words in capitals, such as INFERENCE: only alone, and as they are spelled.
  return clean.replaceAll(new RegExp(String.raw`\b${name}(?:_(?:URL|KEY|MODEL_ID))?\b`, 'g'), mask);
}
