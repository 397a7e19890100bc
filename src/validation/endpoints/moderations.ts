import { z } from 'zod';
import type { Refusal } from '../../base/refusal.ts';
import type { Endpoint, JsonObject, ValidRequest } from '../../base/request.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import { model, optionalFlag, optionalText, requiredTextOf } from '../fields.ts';
import { Findings } from '../findings.ts';

const moderationFields = documented({
  model,
  input: requiredTextOf(1),
  user: optionalText,
  allow_ignored_params: optionalFlag,
});

/** `POST /v1/moderations`. */
export const moderations: Endpoint = {
  path: '/v1/moderations',
  modelKind: 'chat',
  answerFormat: 'openai',
  docs: {
    summary: 'Say what is objectionable in a text',
    body: schemaOf(moderationFields),
    answer: z.looseObject({ results: z.array(z.looseObject({ flagged: z.boolean() })) }),
    streams: false,
  },
  minimalBody: { model: 'any', input: '-' },
  defaultAllow: ['input'],
  fieldAliases: [],
  validate(body: JsonObject): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(moderationFields, body, '');
    return (
      findings.refusal() ?? {
        endpoint: moderations,
        model: textIn(body, 'model'),
        stream: false,
        body,
        outputBound: 0,
        choices: 1,
        images: 0,
        imageParts: 0,
        imageUrlBytes: 0,
        remoteTools: [],
      }
    );
  },
};
