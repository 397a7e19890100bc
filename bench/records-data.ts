import type { Client } from 'pg';
import { monthOf } from '../src/records/months.ts';
import { usageColumns } from '../src/records/sum-tables.ts';

/* Entries of a gateway that 50 people use, and their sums. */

export const people = 50;
export const models = 10;

const dayMs = 86_400_000;
const startMs = Date.UTC(2025, 0, 1);

/** Where every day has as many entries, evenly spread. */
export interface Spread {
  entries: number;
  days: number;
}

export const dayAt = (n: number): string => new Date(startMs + n * dayMs).toISOString().slice(0, 10);

/**
 * Entries number `first` up to before `before` of all. `rare` names have a few entries among all; `left` has some of the
 * first month only.
 */
function entriesSql(table: string, { entries, days }: Spread): string {
  const stepMs = (days * dayMs) / entries;
  return `INSERT INTO ${table} (admitted_at, id, closed_ms, closed_seq, status, model_accepted, stream, duration_ms,
      ttfb_ms, cost_nano_usd, input_tokens, output_tokens, cache_read_tokens, request_id, team, user_id, token, session,
      end_user, endpoint, model, outcome, error_code, usage)
    SELECT to_timestamp((${startMs} + floor(n * ${stepMs})) / 1000.0), 'hK3vN8pQ2xZb-' || to_hex(n),
      (${startMs} + floor(n * ${stepMs}))::bigint + 1000 + h % 9000, h % 4, CASE WHEN failed THEN 502 ELSE 200 END,
      n % 1000 <> 7, h % 2 = 0, 1000 + h % 9000, CASE WHEN failed THEN NULL ELSE 200 + h % 700 END, h % 90000000,
      200 + h % 8000, h % 900, CASE WHEN h % 4 = 0 THEN h % 200 ELSE 0 END, md5(n::text)::uuid::text,
      CASE WHEN is_rare THEN 'rare' ELSE 'team-' || person / 10 END, who,
      CASE WHEN is_rare THEN 'tok_rare00000000' ELSE 'tok_' || substr(md5(who || h / 500 % 2), 1, 12) END,
      CASE WHEN n % 3 = 0 THEN 'ses_' || substr(md5((n / 300)::text), 1, 12) END,
      CASE WHEN n % 3 = 0 THEN 'visitor-' || (n / 300) % 20000 END,
      CASE WHEN is_rare THEN '/v1/rerank' WHEN h / 40000 % 20 = 0 THEN '/v1/embeddings' ELSE '/v1/chat/completions' END,
      CASE WHEN is_rare THEN 'rare-model' ELSE 'claude-4-5-sonnet-' || h / ${people} % ${models} END,
      CASE WHEN failed THEN 'error' WHEN h / 3 % 300 = 1 THEN 'aborted' WHEN n % 100000 = 5 THEN 'lost' ELSE 'ok' END,
      CASE WHEN failed THEN 'upstream_error' END, CASE WHEN h % 10 = 0 THEN 'estimated' ELSE 'reported' END
    FROM (SELECT n, h, is_rare, person, h / 1000 % 40 = 3 AS failed,
        CASE WHEN is_rare THEN 'rare' WHEN n < ${entries / 20} AND n % 40 = 9 THEN 'left' ELSE 'user-' || person END AS who
      FROM (SELECT n, h, n % 1000003 = 11 AS is_rare, h % ${people} AS person
        FROM (SELECT n, hashint8(n) & 2147483647 AS h FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS numbered
      ) AS drawn) AS named`;
}

/** Makes a month's partition, fills it, and only then gives it its indexes: as fast as can be. */
export async function fillMonths(client: Client, spread: Spread): Promise<void> {
  const perDay = spread.entries / spread.days;
  for (let later = 0, from = 0; from < spread.days; later += 1) {
    const month = monthOf(startMs, later);
    const before = Math.min(spread.days, Math.round((Date.parse(month.to) - startMs) / dayMs));
    await client.query(`CREATE TABLE ${month.table} (LIKE entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
    await client.query(entriesSql(month.table, spread), [
      Math.ceil(from * perDay),
      Math.ceil(before * perDay),
    ]);
    await client.query(
      `ALTER TABLE entries ATTACH PARTITION ${month.table} FOR VALUES FROM ('${month.from}') TO ('${month.to}')`,
    );
    from = before;
  }
}

/** Adds entries of a later month, a batch a transaction, as draining does. Returns how many. */
export async function addInBatches(client: Client, spread: Spread): Promise<number> {
  const size = 500;
  const batches = Math.floor(Math.min(200_000, (spread.entries / spread.days) * 27) / size);
  const month = monthOf(startMs + spread.days * dayMs, 1);
  await client.query(
    `CREATE TABLE ${month.table} PARTITION OF entries FOR VALUES FROM ('${month.from}') TO ('${month.to}')`,
  );
  const skipped = Math.ceil(((Date.parse(month.from) - startMs) / dayMs) * (spread.entries / spread.days));
  const sql = entriesSql(month.table, spread);
  for (let n = 0; n < batches; n += 1)
    await client.query(sql, [skipped + n * size, skipped + (n + 1) * size]);
  return batches * size;
}

/** The sums of all entries. */
export async function sumUp(client: Client): Promise<void> {
  const summed: Readonly<Partial<Record<string, string>>> = {
    requests: 'COUNT(*)',
    errors: "COUNT(*) FILTER (WHERE outcome = 'error')",
    aborted: "COUNT(*) FILTER (WHERE outcome = 'aborted')",
    lost: "COUNT(*) FILTER (WHERE outcome = 'lost')",
  };
  await client.query(
    `INSERT INTO usage_days (day, team, user_id, token, model, endpoint, ${usageColumns.join(', ')})
     SELECT admitted_at::date, team, user_id, token, model, endpoint,
       ${usageColumns.map((column) => summed[column] ?? `COALESCE(SUM(${column}), 0)`).join(', ')}
     FROM entries GROUP BY 1, 2, 3, 4, 5, 6`,
  );
}

/** The checkpoint of a store that was drained to the last entry. */
export async function markDrained(client: Client): Promise<void> {
  await client.query(
    `UPDATE checkpoints SET last_ms = (SELECT MAX(closed_ms) FROM entries), last_seq = 9 WHERE stream = 'entries'`,
  );
}
