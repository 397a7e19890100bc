import { z } from 'zod';
import { schemaOf, documented, numberIn } from '../documented.ts';
import { endpointOf } from '../endpoint.ts';
import {
  anything,
  model,
  optionalFlag,
  optionalInteger,
  requiredChoice,
  requiredTextOf,
  optional,
} from '../fields.ts';

const maxPromptCharacters = 10_000;
const aspectRatios = ['16:9', '1:1', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21'];
const sizes = [
  '1344x768',
  '1024x1024',
  '1536x640',
  '832x1216',
  '1216x832',
  '896x1088',
  '1088x896',
  '768x1344',
  '640x1536',
];

/** Dev Center, heroku-inference-api-v1-images-generations; below the line, what clients send as well. */
const fields = documented({
  model,
  prompt: requiredTextOf(1, maxPromptCharacters),
  aspect_ratio: optional(requiredChoice(aspectRatios)),
  negative_prompt: optional(requiredTextOf(0, maxPromptCharacters)),
  output_format: optional(requiredChoice(['jpeg', 'png'])),
  size: optional(requiredChoice(sizes)),
  seed: optionalInteger(0, 4_294_967_295),
  // —
  n: optionalInteger(1, 10),
  response_format: anything,
  quality: anything,
  allow_ignored_params: optionalFlag,
});

/** `POST /v1/images/generations`. */
export const images = endpointOf({
  path: '/v1/images/generations',
  modelKind: 'images',
  answerFormat: 'openai-images',
  docs: {
    summary: 'Make an image of a description',
    body: schemaOf(fields),
    answer: z.looseObject({
      created: z.int(),
      data: z.array(z.looseObject({ b64_json: z.string().nullish(), url: z.string().nullish() })),
    }),
    streams: false,
  },
  minimalBody: { model: 'any', prompt: '-' },
  defaultAllow: ['prompt'],
  fieldAliases: [],
  fields,
  check: () => undefined,
  describe(request) {
    request.images = numberIn(request.body, 'n') ?? 1;
    request.choices = request.images;
  },
});
