import { nanoUsdPerUsd } from '../base/price.ts';
import type { Outcome } from '../base/outcome.ts';
import type { EntryRecord, LedgerEntry } from './entry.ts';

/*
 * A ledger entry as one line of tab-separated fields: a third of JSON's bytes, which is what a 25 MB store
 * is short of. Every field's alphabet excludes the tab; `clean` makes sure for what callers can influence.
 */

const outcomes: Readonly<Record<string, Outcome>> = { o: 'ok', e: 'error', a: 'aborted', l: 'lost' };

/** Before the name of a model that was not accepted: no model's name has it. */
const unaccepted = '?';

/** The entry as the store keeps it. One template: joining an array takes three times as long. */
export function encodeEntry(entry: EntryRecord): string {
  const who = `${entry.team}\t${entry.user}\t${entry.token_id}\t${entry.session_id ?? ''}`;
  const mark = entry.model_accepted === false ? unaccepted : '';
  const what = `${entry.endpoint}\t${mark}${clean(entry.model)}`;
  const how = `${entry.status}\t${entry.outcome[0]}\t${entry.error_code ?? ''}`;
  const used = `${entry.input_tokens}\t${entry.output_tokens}\t${entry.images}\t${entry.usage === 'reported' ? 'r' : 'e'}`;
  const ttfb = entry.ttfb_ms === null ? '' : Math.round(entry.ttfb_ms);
  const took = `${entry.stream ? 1 : 0}\t${Math.round(entry.duration_ms)}\t${ttfb}`;
  const last = `${entry.end_user ?? ''}\t${entry.costNanoUsd ?? ''}\t${entry.search_units || ''}\t${clean(entry.model_requested ?? '')}`;
  return `${entry.id}\t${clean(entry.request_id)}\t${entry.admittedAtMs}\t${who}\t${what}\t${how}\t${used}\t${took}\t${last}`;
}

/** The entry back from its text. Fields a newer version appended are ignored. */
export function decodeEntry(text: string): LedgerEntry {
  const fields = text.split('\t');
  const at = (index: number): string => fields[index] ?? '';
  const accepted = !at(8).startsWith(unaccepted);
  return {
    id: at(0),
    request_id: at(1),
    time: new Date(Number(at(2))).toISOString(),
    team: at(3),
    user: at(4),
    token_id: at(5),
    session_id: at(6) || null,
    end_user: at(19) || null,
    endpoint: at(7),
    model: accepted ? at(8) : at(8).slice(unaccepted.length),
    ...(at(22) === '' ? {} : { model_requested: at(22) }),
    ...(accepted ? {} : { model_accepted: false }),
    status: Number(at(9)),
    outcome: outcomes[at(10)] ?? 'error',
    error_code: at(11) || null,
    input_tokens: Number(at(12)),
    output_tokens: Number(at(13)),
    images: Number(at(14)),
    search_units: Number(at(21)),
    cost_usd: (at(20) || null) === null ? null : Number(at(20)) / nanoUsdPerUsd,
    usage: at(15) === 'r' ? 'reported' : 'estimated',
    stream: at(16) === '1',
    duration_ms: Number(at(17)),
    ttfb_ms: at(18) === '' ? null : Number(at(18)),
  };
}

/** The fields that name a row of a day's totals. */
export interface TotalsRow {
  team: string;
  user: string;
  token: string;
  model: string;
  endpoint: string;
}

/** The row's name in the store. */
export function encodeTotalsRow(row: TotalsRow): string {
  return [row.team, row.user, row.token, clean(row.model), row.endpoint].join('\t');
}

/** The row back from its name. */
export function decodeTotalsRow(text: string): TotalsRow {
  const [team = '', user = '', token = '', model = '', endpoint = ''] = text.split('\t');
  return { team, user, token, model, endpoint };
}

function clean(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is being removed
  return /[\u0000-\u001f]/.test(text) ? text.replaceAll(/[\u0000-\u001f]/g, ' ') : text;
}
