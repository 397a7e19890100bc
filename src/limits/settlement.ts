import { filledFigures, type Figures } from '../base/figures.ts';
import { type Charge, noCharge, type ForwardOutcome } from '../base/outcome.ts';
import type { EntryRecord } from '../ledger/entry.ts';
import { encodeEntry } from '../ledger/entry-text.ts';
import { settledRowOf } from '../ledger/breakdown.ts';
import { totalsFigures } from '../ledger/totals.ts';
import { costNanoUsd, dearest } from '../base/price.ts';
import { adjustments, charge } from './charge.ts';
import type { Grant } from './grant.ts';
import { KeptAnswer } from './kept-answer.ts';
import { KeptItems } from './kept-items.ts';
import { attemptText } from './keyed-attempts.ts';
import { decodeOpen, type OpenRequest } from './open-record.ts';
import { chargesOfHeld, chargesText } from './recorded-charges.ts';
import { isSupplement } from './supplement.ts';
import type { Adjustment, KeyedEnd, OpenRecord, Settlement, TotalsDelta } from './store.ts';
import { windowIndex, windowStartMs } from './window.ts';

/**
 * The settlement of a request that was forwarded, and its entry for the log. `kept`: what is kept for the next call with
 * its Idempotency-Key, or for one that refers to its items.
 */
export function settlementOf(
  grant: Grant,
  outcome: ForwardOutcome,
  kept: KeptAnswer | KeptItems | null = null,
): { settlement: Settlement; entry: EntryRecord } {
  const { request } = grant;
  const charged = charge(outcome, request);
  // Whoever leaves is charged the whole reservation, at the price that it was reserved at.
  const price = outcome.ending === 'left' && grant.price ? dearest(grant.price) : grant.price;
  const entry = entryOf(grant.id, request, {
    admittedAtMs: grant.admittedAtMs,
    model: outcome.sentTo?.model ?? request.model,
    modelKnown: request.modelKnown || outcome.accepted,
    charged,
    costNanoUsd: price && costNanoUsd(price, charged),
    usage: charged.usage,
    status: outcome.status,
    outcome: outcome.outcome,
    errorCode: outcome.errorCode,
    durationMs: outcome.durationMs,
    ttfbMs: outcome.ttfbMs,
  });
  const settlement: Settlement = {
    grant: grant.id,
    incarnation: grant.incarnation,
    team: request.team,
    adjustments: adjustments(grant.limits, charged, grant.admittedAtMs, price),
    charges: request.held === '' ? '' : chargesText(grant.limits, charged, grant.admittedAtMs, price),
    closing: { entry: encodeEntry(entry), totals: totalsOf(entry) },
  };
  if (charged.requests === 0 && outcome.upstream !== null) settlement.refundedTo = grant.attempts;
  if (request.keyed !== '') {
    const answer = kept instanceof KeptAnswer ? kept : null;
    settlement.keyed = keyedEnd(grant, { entry, outcome, charged, answer });
  } else if (kept instanceof KeptItems && outcome.ending === 'answered') {
    settlement.keyed = { key: `${kept.id} -`, as: 'items', attempt: '-', answer: kept.sealed };
  }
  return { settlement, entry };
}

/**
 * The settlement of a request whose process died: it is charged the whole reservation and gives back its slots. It has no
 * watches, since whose limits these are is not known any more: the next settlement under a limit tells what level it is at.
 */
export function lostSettlement(record: OpenRecord, incarnation: string): Settlement {
  const request = decodeOpen(record.record);
  const entry = entryOf(record.grant, request, {
    admittedAtMs: record.admittedAtMs,
    model: request.model,
    modelKnown: request.modelKnown,
    charged: request,
    costNanoUsd: request.nanoUsd,
    usage: 'estimated',
    status: 0,
    outcome: 'lost',
    errorCode: null,
    durationMs: 0,
    ttfbMs: null,
  });
  return {
    grant: record.grant,
    incarnation,
    team: request.team,
    adjustments: request.slots.map((id): Adjustment => ({ id, span: 'open', at: 0, delta: -1 })),
    charges: chargesOfHeld(request.held, record.admittedAtMs),
    ...(request.keyed === '' ? {} : { keyed: broken(request.keyed, entry) }),
    closing: isSupplement(record.grant) ? null : { entry: encodeEntry(entry), totals: totalsOf(entry) },
  };
}

/** Gives everything back without an entry: an admission nobody waited for. */
export function cancellation(grant: Grant): Settlement {
  return {
    grant: grant.id,
    incarnation: grant.incarnation,
    team: grant.request.team,
    adjustments: adjustments(grant.limits, noCharge, grant.admittedAtMs, grant.price),
    ...(grant.request.keyed === '' ? {} : { keyed: freed(grant.request.keyed) }),
    closing: null,
  };
}

interface KeyedEnding {
  entry: EntryRecord;
  outcome: ForwardOutcome;
  charged: Charge;
  answer: KeptAnswer | null;
}

/**
 * What becomes of a call's Idempotency-Key. Whatever was refunded frees it. An answer of the upstream stays the answer, also
 * if it is an error of the request; everything else that was charged may be tried again, since it may go well then.
 */
function keyedEnd(
  { key, request: { keyed } }: Grant,
  { entry, outcome, charged, answer }: KeyedEnding,
): KeyedEnd {
  if (charged.requests === 0) return freed(keyed);
  if (outcome.ending !== 'answered' && outcome.ending !== 'rejected') return broken(keyed, entry);
  const sealed = answer && key ? key.seal(answer) : '';
  return { key: keyed, as: 'answered', attempt: attemptText(entry), answer: sealed };
}

function freed(key: string): KeyedEnd {
  return { key, as: 'free', attempt: '-', answer: '' };
}

function broken(key: string, entry: EntryRecord): KeyedEnd {
  return { key, as: 'broken', attempt: attemptText(entry), answer: '' };
}

interface Ended extends Pick<
  EntryRecord,
  'admittedAtMs' | 'model' | 'costNanoUsd' | 'usage' | 'status' | 'outcome'
> {
  modelKnown: boolean;
  charged: Figures;
  errorCode: string | null;
  durationMs: number;
  ttfbMs: number | null;
}

function entryOf(id: string, request: OpenRequest, ended: Ended): EntryRecord {
  return {
    // First, because a spread between other fields takes V8's slow path.
    ...filledFigures(null, ended.charged),
    id,
    request_id: request.requestId,
    admittedAtMs: ended.admittedAtMs,
    team: request.team,
    user: request.user,
    token_id: request.tokenId,
    session_id: request.sessionId,
    end_user: request.endUser,
    tags: request.tags,
    endpoint: request.endpoint,
    model: ended.model,
    model_requested: ended.model === request.model ? null : request.model,
    model_accepted: ended.modelKnown,
    status: ended.status,
    outcome: ended.outcome,
    error_code: ended.errorCode,
    costNanoUsd: ended.costNanoUsd,
    usage: ended.usage,
    stream: request.stream,
    duration_ms: Math.round(ended.durationMs),
    ttfb_ms: ended.ttfbMs === null ? null : Math.round(ended.ttfbMs),
  };
}

function totalsOf(entry: EntryRecord): TotalsDelta {
  return { ...dayOf(entry.admittedAtMs), row: settledRowOf(entry), figures: totalsFigures(entry) };
}

let lastDay = { index: -1, day: '', dayEndsAtS: 0 };

/** The UTC day of a moment. Nearly all moments asked for are of one day, which is kept. */
function dayOf(atMs: number): { day: string; dayEndsAtS: number } {
  const index = windowIndex('day', atMs);
  if (lastDay.index !== index) {
    const day = new Date(atMs).toISOString().slice(0, 10);
    lastDay = { index, day, dayEndsAtS: windowStartMs('day', index + 1) / 1000 };
  }
  const { day, dayEndsAtS } = lastDay;
  return { day, dayEndsAtS };
}
