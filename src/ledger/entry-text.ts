import { noFigures } from '../base/figures.ts';
import {
  appendedFigures,
  numberOrNull,
  textCodec,
  textOrNull,
  withoutControls,
  type TextField,
} from '../base/text-record.ts';
import type { Outcome } from '../base/outcome.ts';
import type { EntryRecord } from './entry.ts';

const outcomes: Readonly<Record<string, Outcome>> = { o: 'ok', e: 'error', a: 'aborted', l: 'lost' };

/** Marks the name of a model that was not accepted: no model's name begins with it. */
const unaccepted = '?';

const blank: EntryRecord = {
  id: '',
  request_id: '',
  team: '',
  user: '',
  token_id: '',
  session_id: null,
  end_user: null,
  tags: '',
  endpoint: '',
  model: '',
  model_requested: null,
  model_accepted: true,
  status: 0,
  outcome: 'error',
  error_code: null,
  ...noFigures,
  usage: 'estimated',
  stream: false,
  duration_ms: 0,
  ttfb_ms: null,
  admittedAtMs: 0,
  costNanoUsd: null,
};

const text = (value: string): string => value;

/** In stored order: append only. */
const fields: TextField<EntryRecord>[] = [
  ['id', (entry) => entry.id, text],
  ['request_id', (entry) => withoutControls(entry.request_id), text],
  ['admittedAtMs', (entry) => entry.admittedAtMs, Number],
  ['team', (entry) => entry.team, text],
  ['user', (entry) => entry.user, text],
  ['token_id', (entry) => entry.token_id, text],
  ['session_id', (entry) => entry.session_id ?? '', textOrNull],
  ['endpoint', (entry) => entry.endpoint, text],
  ['model', (entry) => markedModel(entry), text],
  ['status', (entry) => entry.status, Number],
  ['outcome', (entry) => entry.outcome.charAt(0), (letter) => outcomes[letter] ?? 'error'],
  ['error_code', (entry) => entry.error_code ?? '', textOrNull],
  ['inputTokens', (entry) => entry.inputTokens, Number],
  ['outputTokens', (entry) => entry.outputTokens, Number],
  ['images', (entry) => entry.images, Number],
  [
    'usage',
    (entry) => (entry.usage === 'reported' ? 'r' : 'e'),
    (letter) => (letter === 'r' ? 'reported' : 'estimated'),
  ],
  ['stream', (entry) => (entry.stream ? 1 : 0), (flag) => flag === '1'],
  ['duration_ms', (entry) => Math.round(entry.duration_ms), Number],
  ['ttfb_ms', ({ ttfb_ms }) => (ttfb_ms === null ? '' : Math.round(ttfb_ms)), numberOrNull],
  ['end_user', (entry) => entry.end_user ?? '', textOrNull],
  ['costNanoUsd', (entry) => entry.costNanoUsd ?? '', numberOrNull],
  ['searchUnits', (entry) => entry.searchUnits || '', Number],
  [
    'model_requested',
    ({ model_requested }) => (model_requested === null ? '' : withoutControls(model_requested)),
    textOrNull,
  ],
];
const codec = textCodec(
  blank,
  [...fields, ...appendedFigures(fields)],
  [['tags', (entry) => entry.tags, text]],
);

/** The entry as the store keeps it. */
export const encodeEntry: (entry: EntryRecord) => string = codec.encode;

/** The entry back from its text. */
export function decodeEntry(stored: string): EntryRecord {
  const entry = codec.decode(stored);
  if (!entry.model.startsWith(unaccepted)) return entry;
  return { ...entry, model: entry.model.slice(unaccepted.length), model_accepted: false };
}

function markedModel({ model, model_accepted }: EntryRecord): string {
  return model_accepted ? withoutControls(model) : unaccepted + withoutControls(model);
}
