import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Endpoint } from '../../../../src/base/request.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { embeddings } from '../../../../src/validation/endpoints/embeddings.ts';
import { images } from '../../../../src/validation/endpoints/images.ts';
import { parseJson } from '../../../../src/validation/parse-json.ts';
import { accepted } from '../verdict.ts';

/** Bodies after the examples of Heroku's first articles, of December 2024 and January 2025. */
const seeds: [string, Endpoint][] = [
  ['chat', chat],
  ['chat-tools', chat],
  ['chat-tool-result', chat],
  ['embeddings', embeddings],
  ['images', images],
];
it.each(seeds)('the seed body %s goes on as it was sent', (name, endpoint) => {
  const value = parseJson(readFileSync(new URL(`../../../fixtures/seeds/${name}.json`, import.meta.url)));
  if (value instanceof Refusal) throw new Error(value.message);
  expect(accepted(endpoint, value).body).toEqual(value);
});
