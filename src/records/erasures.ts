import { hash } from 'node:crypto';
import type { Queries } from './database.ts';

/** Requests that were open when their user was erased are closed within this time. */
const openForS = 172_800;

/** As `erasures` names a user. */
export function userHash({ team, user }: { team: string; user: string }): string {
  return hash('sha256', `${team}/${user}`, 'hex');
}

/** The pseudonym of a user who was erased after `atMs`; null if there was none. */
export type PseudonymOf = (who: { team: string; user: string }, atMs: number) => string | null;

/** Who was erased lately: what they had under way comes under their pseudonym. A user made anew has none. */
export async function pseudonymsIn(queries: Queries): Promise<PseudonymOf> {
  const rows = await queries.query<{ hash: string; pseudonym: string; erased_at: Date }>(
    `SELECT user_hash AS hash, pseudonym, erased_at FROM erasures
      WHERE erased_at > now() - make_interval(secs => ${openForS}) ORDER BY erased_at`,
  );
  if (rows.length === 0) return () => null;
  return (who, atMs) => {
    const wanted = userHash(who);
    const row = rows.find((each) => each.hash === wanted && atMs <= each.erased_at.getTime());
    return row?.pseudonym ?? null;
  };
}
