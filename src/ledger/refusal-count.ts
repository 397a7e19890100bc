import type { ErrorCode } from '../base/refusal.ts';
import { textCodec, textOrNull } from '../base/text-record.ts';
import { DaySums, type GroupingsQuery, type SumQuery } from './day-sums.ts';

/*
 * Refused requests, summed by day. They are counted by identity, served path, error code, model and limit. None of these is
 * text that a caller chooses, so nobody can fill the store with names.
 */

/**
 * The code of requests that were admitted although an observe-only limit had no room for them. They are no refusals, so they
 * are summed only if this code is asked for.
 */
export const wouldRefuse = 'would_refuse';
export type RefusalCode = ErrorCode | typeof wouldRefuse;

/** What a refused request is counted under. */
export type RefusedAs = {
  /** Team, user and token are null if the caller was not known. */
  team: string | null;
  user: string | null;
  token: string | null;
  /** A path that is served here, `/admin`, or `other`. */
  endpoint: string;
  code: RefusalCode;
  /** Null if it is not known, or not served here. */
  model: string | null;
  /** The limit that refused it, such as `token requests/minute`; null if none did. */
  limit: string | null;
};

/** The endpoint of requests to unknown paths, and of requests for which a full day has no row. */
export const otherEndpoint = 'other';

/** The most rows of one day. After that, refusals without a row are counted by code only. */
export const maxRefusalRows = 2_000;
/** From so many on, new rows have no model and no limit: one caller must not take the rows of others with many models. */
export const detailedRefusalRows = 1_000;

export const refusalGroups = ['day', 'team', 'user', 'token', 'endpoint', 'code', 'model', 'limit'] as const;
export type RefusalGroup = (typeof refusalGroups)[number];

export type RefusalQuery = SumQuery<RefusalGroup>;
export type RefusalRow = Partial<Record<RefusalGroup, string | null>> & {
  refused: number;
  /** When the last one was refused, RFC 3339; null if that is not known. */
  last_at: string | null;
};

/** Some of the counts of one process. */
export interface RefusalBatch {
  process: string;
  /** 1, 2, 3, …: a batch that is sent again because its answer was lost is counted once. */
  sequence: number;
  counts: readonly RefusalCount[];
}

export interface RefusalCount {
  /** UTC, `YYYY-MM-DD`. */
  day: string;
  as: RefusedAs;
  refused: number;
  /** When the last of them was refused, by the store's clock, ms. */
  lastMs: number;
}

const codec = textCodec<RefusedAs>(
  { team: null, user: null, token: null, endpoint: '', code: 'internal_error', model: null, limit: null },
  [
    ['team', (row) => row.team ?? '', textOrNull],
    ['user', (row) => row.user ?? '', textOrNull],
    ['token', (row) => row.token ?? '', textOrNull],
    ['endpoint', (row) => row.endpoint, String],
    // Only rows with a known code are written.
    ['code', (row) => row.code, (text): RefusalCode => text as RefusalCode],
    ['model', (row) => row.model ?? '', textOrNull],
    ['limit', (row) => row.limit ?? '', textOrNull],
  ],
);

/** The row's name in the store. */
export const encodeRefusalRow: (row: RefusedAs) => string = codec.encode;

/** The figures of a row, in stored order. */
export const refusalFigures = ['refused', 'last_at'] as const;

/** The row back from its name. */
export const decodeRefusalRow: (name: string) => RefusedAs = codec.decode;

/** Sums days of refusals by group. */
export function refusalSums(query: GroupingsQuery<RefusalGroup>): DaySums<RefusalRow> {
  const apart = query.filters.code === wouldRefuse ? {} : { apart: ['code', wouldRefuse] as const };
  return new DaySums({ query, figures: refusalFigures, time: 'last_at', decodeName: codec.decode, ...apart });
}

/** What a request is counted under if there is no room for details. */
export function withoutDetails(as: RefusedAs): RefusedAs {
  return { ...as, model: null, limit: null };
}

/** What a request is counted under if there is no room for its own row. */
export function withoutRoom({ code }: RefusedAs): RefusedAs {
  return { team: null, user: null, token: null, endpoint: otherEndpoint, code, model: null, limit: null };
}
