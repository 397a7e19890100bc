import { expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { images } from '../../../../src/validation/endpoints/images.ts';
import { accepted, params } from '../verdict.ts';

function body(fields: JsonObject = {}): JsonObject {
  return { model: 'stable-image-ultra', prompt: 'A sunset', ...fields };
}

const accepts: [string, JsonValue[]][] = [
  ['prompt', ['x', 'x'.repeat(10_000), '🎈'.repeat(10_000)]],
  ['negative_prompt', ['', 'x'.repeat(10_000), null]],
  ['aspect_ratio', ['16:9', '1:1', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21', null]],
  ['output_format', ['jpeg', 'png', null]],
  [
    'size',
    [
      '1344x768',
      '1024x1024',
      '1536x640',
      '832x1216',
      '1216x832',
      '896x1088',
      '1088x896',
      '768x1344',
      '640x1536',
      null,
    ],
  ],
  ['seed', [0, 4_294_967_295, null]],
  ['n', [1, 10, null]],
  ['allow_ignored_params', [true, null]],
  ['response_format', ['b64_json', 'url', null]],
  ['quality', ['hd', 1]],
  ['style', ['vivid', { Prompt: 'x' }]],
];
it.each(accepts)('%s accepts what it is documented to hold', (field, values) => {
  for (const value of values) {
    expect(accepted(images, body({ [field]: value })).body).toEqual(body({ [field]: value }));
  }
});

const refuses: [string, JsonValue[]][] = [
  ['model', ['', null, 'a b']],
  ['prompt', ['', 'x'.repeat(10_001), null, 1, ['x']]],
  ['negative_prompt', ['x'.repeat(10_001), 1]],
  ['aspect_ratio', ['16x9', '4:3', '', 1]],
  ['output_format', ['PNG', 'webp', 1]],
  ['size', ['512x512', '1024X1024', 1024]],
  ['seed', [-1, 4_294_967_296, 0.5, '1']],
  ['n', [0, 11, 1.5, '1']],
  ['allow_ignored_params', ['true']],
  ['Prompt', ['x']],
  ['N', [1000]],
  ['RESPONSE_FORMAT', ['url']],
];
it.each(refuses)('%s refuses the rest', (field, values) => {
  for (const value of values) expect(params(images, body({ [field]: value }))).toEqual([field]);
});

it('requires model and prompt', () => {
  expect(params(images, {})).toEqual(['model', 'prompt']);
});

it('counts the images asked for', () => {
  expect(accepted(images, body())).toMatchObject({ endpoint: images, images: 1, choices: 1, outputBound: 0 });
  expect(accepted(images, body({ n: 4, stream: true }))).toMatchObject({
    images: 4,
    choices: 4,
    stream: false,
  });
});
