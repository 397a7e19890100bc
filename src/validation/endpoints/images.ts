import { z } from 'zod';
import type { Refusal } from '../../base/refusal.ts';
import type { Endpoint, JsonObject, ValidRequest } from '../../base/request.ts';
import { schemaOf, documented, numberIn, textIn } from '../documented.ts';
import {
  anything,
  model,
  optionalChoice,
  optionalFlag,
  optionalInteger,
  optionalTextOf,
  requiredTextOf,
} from '../fields.ts';
import { Findings } from '../findings.ts';

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

/** Dev Center, heroku-inference-api-v1-images-generations; below the line, what clients send beside it. */
const imageFields = documented({
  model,
  prompt: requiredTextOf(1, maxPromptCharacters),
  aspect_ratio: optionalChoice(aspectRatios),
  negative_prompt: optionalTextOf(maxPromptCharacters),
  output_format: optionalChoice(['jpeg', 'png']),
  size: optionalChoice(sizes),
  seed: optionalInteger(0, 4_294_967_295),
  // —
  n: optionalInteger(1, 10),
  response_format: anything,
  quality: anything,
  allow_ignored_params: optionalFlag,
});

const responseSchema = z.looseObject({
  created: z.int(),
  data: z.array(z.looseObject({ b64_json: z.string().nullish(), url: z.string().nullish() })),
});

/** `POST /v1/images/generations`. */
export const images: Endpoint = {
  path: '/v1/images/generations',
  modelKind: 'images',
  answerFormat: 'openai',
  docs: {
    summary: 'Make an image of a description',
    body: schemaOf(imageFields),
    answer: responseSchema,
    streams: false,
  },
  minimalBody: { model: 'any', prompt: '-' },
  defaultAllow: ['prompt'],
  fieldAliases: [],
  validate(body: JsonObject): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(imageFields, body, '');
    const count = numberIn(body, 'n') ?? 1;
    return (
      findings.refusal() ?? {
        endpoint: images,
        model: textIn(body, 'model'),
        stream: false,
        body,
        outputBound: 0,
        choices: count,
        images: count,
        imageParts: 0,
        imageUrlBytes: 0,
        remoteTools: [],
      }
    );
  },
};
