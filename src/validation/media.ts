import { isJsonObject, type JsonObject, type JsonValue, type ValidRequest } from '../base/request.ts';

/*
 * Images, documents and recordings in a body are not text: they are estimated by what they are, not by the bytes of
 * their encoding (docs/limits.md). What the upstream reports is what is charged; until then these figures are reserved.
 */

type Kind = 'image' | 'recording' | 'document' | 'text';

/** An image, or anything else that the upstream fetches by itself. */
const tokensPerImage = 1_600;
/** Decoded. A page of a PDF has some 32 kB and 2,600 tokens, a second of speech some 8 kB and 40. */
const bytesPerToken = { recording: 200, document: 12, text: 4 };
/** The most that one document or recording is estimated at. */
const maxTokens = 20_000;

/** Counts the media in the messages of a body. */
export function countMedia(request: ValidRequest): void {
  const { messages } = request.body;
  if (!Array.isArray(messages)) return;
  for (const message of messages) {
    const content = isJsonObject(message) ? message['content'] : null;
    if (!Array.isArray(content)) continue;
    for (const part of content) if (isJsonObject(part)) countIn(part, null, request);
  }
}

/** Counts the media in all fields of a body but one, whose strings are text. */
export function countMediaBeside(textField: string, request: ValidRequest): void {
  for (const [key, value] of Object.entries(request.body)) {
    if (key !== textField && typeof value === 'object') countValue({ key, value }, null, request);
  }
}

/** Whatever is inside these is text to the model, also if it looks like something else. */
const textTypes: ReadonlySet<JsonValue | undefined> = new Set(
  [
    'text input_text output_text refusal thinking redacted_thinking reasoning',
    'tool_use server_tool_use mcp_tool_use',
  ].flatMap((names) => names.split(' ')),
);
const textKeys: ReadonlySet<string> = new Set(
  'text title context name filename description caption content signature'.split(' '),
);

/** Counts what is in an object, and how many media there are. `around`: the kind of what it is a part of. */
function countIn(object: JsonObject, around: Kind | null, request: ValidRequest): number {
  const { type } = object;
  if (textTypes.has(type)) return 0;
  const kind = kindOfMedia(object) ?? around ?? kindCalled(type);
  let found = 0;
  for (const [key, value] of Object.entries(object)) found += countValue({ key, value }, kind, request);
  if (found > 0 || kind !== 'image' || around !== null) return found;
  // An image, in whatever way it is given.
  request.mediaTokens += tokensPerImage;
  return 1;
}

function countValue(
  { key, value }: { key: string; value: JsonValue },
  kind: Kind | null,
  request: ValidRequest,
): number {
  if (typeof value === 'string') return countText(key, value, kind, request);
  if (isJsonObject(value)) return countIn(value, kind ?? kindCalled(key), request);
  if (!Array.isArray(value)) return 0;
  let found = 0;
  for (const item of value) found += countValue({ key, value: item }, kind, request);
  return found;
}

function countText(key: string, text: string, kind: Kind | null, request: ValidRequest): number {
  const media = encodedIn(key, text, kind);
  if (media) {
    request.mediaBytes += media.bytes;
    request.mediaTokens += tokensOf(media.kind, media.decodedBytes);
    return 1;
  }
  if (kind === null || !(key === 'file_id' || key.endsWith('url'))) return 0;
  // The upstream fetches it.
  if (kind === 'image') request.mediaBytes += writtenBytes(text);
  request.mediaTokens += tokensPerImage;
  return 1;
}

function tokensOf(kind: Kind, decodedBytes: number): number {
  if (kind === 'image') return tokensPerImage;
  const tokens = Math.floor(decodedBytes / bytesPerToken[kind]);
  return kind === 'text' ? tokens : Math.min(maxTokens, tokens);
}

interface Encoded {
  kind: Kind;
  /** In the body. */
  bytes: number;
  decodedBytes: number;
}

const dataUrl = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[^;,"\\]*)*?;base64,/i;
/** Longer than any beginning of a data URL that means something. */
const longestPrefix = 256;
/** In a value that does not say what it is, less may as well be a word. */
const shortestBare = 64;

/** What a text encodes: a data URL, or base64 of something whose kind is known. Null: it is just text. */
function encodedIn(key: string, text: string, kind: Kind | null): Encoded | null {
  if (textKeys.has(key)) return null;
  const [prefix, type] = dataUrl.exec(text.slice(0, longestPrefix)) ?? [];
  if (prefix === undefined) {
    const mayBeBare = kind !== null && (key === 'data' || text.length >= shortestBare);
    return mayBeBare && isBase64(text) ? encoded(text, 0, kind) : null;
  }
  if (!isBase64(text.slice(prefix.length))) return null;
  return encoded(text, prefix.length, (type === undefined ? kind : kindOfType(type)) ?? 'document');
}

function encoded(text: string, start: number, kind: Kind): Encoded {
  // Base64 in one piece is written as it is; line ends are not.
  const bytes = text.includes('\n') || text.includes('\r') ? writtenBytes(text) : text.length;
  return { kind, bytes, decodedBytes: Math.floor(((bytes - start) * 3) / 4) };
}

/** In either alphabet, in one piece or in lines. Linear: one pattern for all of it would backtrack among line ends. */
function isBase64(text: string): boolean {
  const padding = text.indexOf('=');
  const end = padding === -1 ? text.length : padding;
  return end > 0 && !/[^A-Za-z0-9+/_\r\n=-]/.test(text) && /^={0,2}[\r\n]*$/.test(text.slice(end));
}

/** By the media type that an object names. */
function kindOfMedia(object: JsonObject): Kind | null {
  const type = object['media_type'] ?? object['mime_type'] ?? object['mimeType'] ?? object['mediaType'];
  return typeof type === 'string' && type.includes('/') ? kindOfType(type) : null;
}

function kindOfType(mediaType: string): Kind {
  if (/^image\//i.test(mediaType)) return 'image';
  if (/^(?:audio|video)\//i.test(mediaType)) return 'recording';
  return /^text\/|^application\/(?:.*[+])?(?:json|xml|yaml|javascript)\b/i.test(mediaType)
    ? 'text'
    : 'document';
}

/** By the name of a type or a field, such as `input_audio`. */
function kindCalled(name: JsonValue | undefined): Kind | null {
  if (typeof name !== 'string') return null;
  if (/image/i.test(name)) return 'image';
  if (/audio|video/i.test(name)) return 'recording';
  return /file|document/i.test(name) ? 'document' : null;
}

/** The bytes of a string in JSON, without the two quotes. */
function writtenBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
