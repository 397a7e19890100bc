/* What may be kept in the store, if nothing else is set: see docs/store-budget.md. */

/** Bytes of text that the counters of a team's end users may have. */
export const defaultEndUserBytes = 4_194_304;

/** Bytes that calls with an Idempotency-Key may take, with the answers that are kept for them. */
export const defaultKeyedBytes = 2_097_152;

/** Rows that a team's day may have by tags and end user before some lose their names. */
export const defaultBreakdownRows = 400;
