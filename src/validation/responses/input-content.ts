import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import type { Adjustments } from './adjustments.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import { anything, optionalText, requiredText, requiredTextOf } from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';

/*
 * The content of items: text, images, files and recordings, and the same as parts of a chat message.
 */

/** The fields of all parts together, so that `Image_URL` is refused in any of them. */
const partFields = documented({
  type: requiredText,
  text: anything,
  refusal: anything,
  image_url: anything,
  detail: anything,
  file_id: anything,
  file_data: anything,
  file_url: anything,
  filename: anything,
  input_audio: anything,
  annotations: anything,
  logprobs: anything,
});
const partList = { level: partFields, min: 0, max: 1_000, of: 'parts, or a string' };

/** What each type of part must have. `text` is Open Responses' plain one. */
const partsByType = {
  input_text: documented({ text: requiredText }),
  output_text: documented({ text: requiredText }),
  text: documented({ text: requiredText }),
  refusal: documented({ refusal: requiredText }),
  input_image: documented({ image_url: requiredTextOf(1), detail: optionalText }),
  input_file: documented({ file_data: requiredTextOf(1), filename: optionalText }),
  input_audio: documented({ input_audio: anything }),
};
type PartType = keyof typeof partsByType;
const partTypes = Object.keys(partsByType) as PartType[]; // the object has no other keys
const audioFields = documented({ data: requiredTextOf(1), format: requiredText });

/** What `checkContent` checks, for the API's description. */
export const contentSchema = z.union([
  z.string(),
  z
    .array(
      z.union([
        z.looseObject({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
        z.looseObject({ type: z.literal('refusal'), refusal: z.string() }),
        schemaOf(partsByType.input_image).and(z.looseObject({ type: z.literal('input_image') })),
        schemaOf(partsByType.input_file).and(z.looseObject({ type: z.literal('input_file') })),
        z.looseObject({ type: z.literal('input_audio'), input_audio: schemaOf(audioFields) }),
      ]),
    )
    .max(partList.max),
]);

/** Checks the content of a message, or the output of a call: a string, or parts. */
export function checkContent(content: JsonValue | undefined, path: string, findings: Findings): void {
  if (typeof content === 'string') return;
  findings.objects(partList, content, path, (part, partPath) => {
    const type = partTypes.find((each) => each === part['type']);
    if (type === undefined) {
      if (typeof part['type'] !== 'string') return; // said already
      findings.add(joinPath(partPath, 'type'), `must be one of ${partTypes.join(', ')}`);
      return;
    }
    if ((type === 'input_image' || type === 'input_file') && isElsewhere(part, type)) {
      findings.add(partPath, elsewhere[type]);
      return;
    }
    findings.fields(partsByType[type], part, partPath);
    if (type === 'input_audio') {
      findings.object(audioFields, part['input_audio'], joinPath(partPath, 'input_audio'));
    }
  });
}

const elsewhere = {
  input_image: 'names an uploaded file, and no files are kept here; send image_url, which may be a data URL',
  input_file: 'names a file elsewhere, which the gateway does not fetch; send file_data',
};

/** Whether the data of an image or a file is not in the part itself. */
function isElsewhere(part: JsonObject, type: 'input_image' | 'input_file'): boolean {
  if (type === 'input_image') return !isGiven(part['image_url']) && isGiven(part['file_id']);
  return !isGiven(part['file_data']) && (isGiven(part['file_id']) || isGiven(part['file_url']));
}

function isGiven(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}

export type ChatContent = string | JsonValue[];

/** Content that was checked, as a chat message has it: a string if it is one text. */
export function chatContent(content: JsonValue | undefined, adjustments: Adjustments): ChatContent {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : '';
  const parts = content.filter(isJsonObject).map((part) => {
    adjustments.unknown(partFields, part, 'input.*.content.*');
    return chatPart(part);
  });
  const [first] = parts;
  if (first === undefined) return '';
  return parts.length === 1 && first['type'] === 'text' ? textIn(first, 'text') : parts;
}

/** A refusal is what the model said, so it is text to the next one that reads it. */
function chatPart(part: JsonObject): JsonObject {
  switch (part['type'] as PartType) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textIn(part, 'text') };
    case 'refusal':
      return { type: 'text', text: textIn(part, 'refusal') };
    case 'input_image': {
      const { image_url: url = null, detail } = part;
      return { type: 'image_url', image_url: typeof detail === 'string' ? { url, detail } : { url } };
    }
    case 'input_file': {
      const { file_data: data = null, filename } = part;
      const file: JsonObject = { file_data: data };
      if (typeof filename === 'string') file['filename'] = filename;
      return { type: 'file', file };
    }
    case 'input_audio':
      return { type: 'input_audio', input_audio: part['input_audio'] ?? null };
  }
}
