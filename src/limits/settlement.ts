import type { Outcome } from '../base/outcome.ts';
import { unacceptedModel, type EntryRecord } from '../ledger/entry.ts';
import { encodeEntry, encodeTotalsRow } from '../ledger/entry-text.ts';
import type { Charge, ForwardOutcome } from '../base/outcome.ts';
import { costNanoUsd } from '../base/price.ts';
import { adjustments, charge } from './charge.ts';
import type { Grant } from './grant.ts';
import { decodeOpen, type OpenRequest } from './open-record.ts';
import type { Adjustment, OpenRecord, Settlement, TotalsDelta } from './store.ts';
import { windowIndex, windowStartMs } from './window.ts';

/** The settlement of a request that was forwarded, and its entry for the log. */
export function settlementOf(
  grant: Grant,
  outcome: ForwardOutcome,
): { settlement: Settlement; entry: EntryRecord } {
  const { request } = grant;
  const reserved = reservedBy(request);
  const charged = charge(outcome, reserved);
  const entry = entryOf(grant.id, request, {
    admittedAtMs: grant.admittedAtMs,
    model: outcome.sentTo?.model ?? request.model,
    modelKnown: request.modelKnown || outcome.accepted,
    charged,
    costNanoUsd: grant.price && costNanoUsd(grant.price, charged),
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
    adjustments: adjustments(grant.limits, charged, grant.admittedAtMs, grant.price),
    closing: {
      entry: encodeEntry(entry),
      totals: totalsOf(entry),
    },
  };
  return { settlement, entry };
}

/** The settlement of a request whose process died: the whole reservation is charged, its places given back. */
export function lostSettlement(record: OpenRecord, incarnation: string): Settlement {
  const request = decodeOpen(record.record);
  const entry = entryOf(record.grant, request, {
    admittedAtMs: record.admittedAtMs,
    model: request.model,
    modelKnown: request.modelKnown,
    charged: reservedBy(request),
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
    adjustments: request.places.map((id): Adjustment => ({ id, index: 0, delta: -1 })),
    closing: { entry: encodeEntry(entry), totals: totalsOf(entry) },
  };
}

/** Gives everything back without an entry: an admission nobody waited for. */
export function cancellation(grant: Grant): Settlement {
  const nothing: Charge = { requests: 0, inputTokens: 0, outputTokens: 0, images: 0, searchUnits: 0 };
  return {
    grant: grant.id,
    incarnation: grant.incarnation,
    team: grant.request.team,
    adjustments: adjustments(grant.limits, nothing, grant.admittedAtMs, grant.price),
    closing: null,
  };
}

function reservedBy({ inputTokens, outputTokens, images, searchUnits }: OpenRequest): Charge {
  return { requests: 1, inputTokens, outputTokens, images, searchUnits };
}

function entryOf(
  id: string,
  request: OpenRequest,
  ended: {
    admittedAtMs: number;
    model: string;
    modelKnown: boolean;
    charged: Charge;
    costNanoUsd: number | null;
    usage: EntryRecord['usage'];
    status: number;
    outcome: Outcome;
    errorCode: string | null;
    durationMs: number;
    ttfbMs: number | null;
  },
): EntryRecord {
  return {
    id,
    request_id: request.requestId,
    admittedAtMs: ended.admittedAtMs,
    team: request.team,
    user: request.user,
    token_id: request.tokenId,
    session_id: request.sessionId,
    end_user: request.endUser,
    endpoint: request.endpoint,
    model: ended.model,
    ...(ended.model === request.model ? {} : { model_requested: request.model }),
    ...(ended.modelKnown ? {} : { model_accepted: false }),
    status: ended.status,
    outcome: ended.outcome,
    error_code: ended.errorCode,
    input_tokens: ended.charged.inputTokens,
    output_tokens: ended.charged.outputTokens,
    images: ended.charged.images,
    search_units: ended.charged.searchUnits,
    costNanoUsd: ended.costNanoUsd,
    usage: ended.usage,
    stream: request.stream,
    duration_ms: Math.round(ended.durationMs),
    ttfb_ms: ended.ttfbMs === null ? null : Math.round(ended.ttfbMs),
  };
}

function totalsOf(entry: EntryRecord): TotalsDelta {
  return {
    ...dayOf(entry.admittedAtMs),
    row: encodeTotalsRow({
      team: entry.team,
      user: entry.user,
      token: entry.token_id,
      model: entry.model_accepted === false ? unacceptedModel : entry.model,
      endpoint: entry.endpoint,
    }),
    figures: [
      1,
      entry.input_tokens,
      entry.output_tokens,
      entry.images,
      entry.outcome === 'error' ? 1 : 0,
      entry.outcome === 'aborted' ? 1 : 0,
      entry.outcome === 'lost' ? 1 : 0,
      entry.costNanoUsd ?? 0,
      entry.search_units,
    ],
  };
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
