import { Unusable } from './migrate.ts';
import { RecordsUnavailable } from './records-unavailable.ts';

/** Why Postgres will not take records until somebody changes something; null if it may answer later. Pure. */
export function misuseIn(error: unknown): string | null {
  if (error instanceof Unusable) return error.message;
  if (!(error instanceof RecordsUnavailable)) {
    const isOfOrder = error instanceof Error && /migration/i.test(error.message);
    return isOfOrder ? `Its tables cannot be brought to this version: ${error.message}.` : null;
  }
  const { sqlState, cause } = error;
  if (sqlState === null) {
    const isTls =
      cause instanceof Error && /does not support SSL|certificate|self.signed/i.test(cause.message);
    return isTls ? `A TLS connection is not possible: ${cause.message}.` : null;
  }
  switch (sqlState) {
    case '28000':
    case '28P01':
      return 'The server refuses the user or the password in DATABASE_URL.';
    case '3D000':
      return 'The server has no database of that name: check DATABASE_URL.';
    case '42501':
    case '3F000':
      return 'The user in DATABASE_URL may not make a schema and tables: grant CREATE on the database.';
    case '25006':
      return 'The server is read-only: name the primary in DATABASE_URL, not a follower.';
    default:
      // Too many connections, shutting down, out of space and the like pass.
      return null;
  }
}
