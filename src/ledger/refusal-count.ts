import type { ErrorCode } from '../base/refusal.ts';
import { textCodec, textOrNull } from '../base/text-record.ts';
import { DaySums, type SumQuery } from './day-sums.ts';

/*
 * Refused requests, summed by day. What they are told apart by comes from identities, from the paths served here and
 * from the error table, never from a caller: nobody can fill the store with names.
 */

/** What a refused request is counted under. */
export type RefusedAs = {
  /** These three are null where it was not known who called. */
  team: string | null;
  user: string | null;
  token: string | null;
  /** A path that is served here, `/admin`, or `other`. */
  endpoint: string;
  code: ErrorCode;
};

/** The endpoint of what was asked for at no path known here, and of what a full day has no row for. */
export const otherEndpoint = 'other';

/** Rows of one day, at most. What comes beyond is counted by code alone. */
export const maxRefusalRows = 2_000;

export const refusalGroups = ['day', 'team', 'user', 'token', 'endpoint', 'code'] as const;
export type RefusalGroup = (typeof refusalGroups)[number];

export type RefusalQuery = SumQuery<RefusalGroup>;
export type RefusalRow = Partial<Record<RefusalGroup, string | null>> & { refused: number };

/** Some of what one process has counted. */
export interface RefusalBatch {
  process: string;
  /** 1, 2, 3, …: a batch that is sent again, because its answer was lost, is counted once. */
  sequence: number;
  counts: readonly RefusalCount[];
}

export interface RefusalCount {
  /** UTC, `YYYY-MM-DD`. */
  day: string;
  as: RefusedAs;
  refused: number;
}

const codec = textCodec<RefusedAs>(
  { team: null, user: null, token: null, endpoint: '', code: 'internal_error' },
  [
    ['team', (row) => row.team ?? '', textOrNull],
    ['user', (row) => row.user ?? '', textOrNull],
    ['token', (row) => row.token ?? '', textOrNull],
    ['endpoint', (row) => row.endpoint, String],
    // Only rows made of a known code are written.
    ['code', (row) => row.code, (text): ErrorCode => text as ErrorCode],
  ],
);

/** The row's name in the store. */
export const encodeRefusalRow: (row: RefusedAs) => string = codec.encode;

/** Sums days of refusals by group. */
export function refusalSums(query: RefusalQuery): DaySums<RefusalRow> {
  return new DaySums({ query, figures: ['refused'], decodeName: codec.decode });
}

/** What a request is counted under where its own row has no room. */
export function withoutRoom({ code }: RefusedAs): RefusedAs {
  return { team: null, user: null, token: null, endpoint: otherEndpoint, code };
}
