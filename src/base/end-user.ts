import { hash } from 'node:crypto';

/*
 * What stands for an end user wherever the name is not needed. It is a hash of the team and the name, so that the end users
 * of two teams never have anything in common.
 */

/** SHA-256 of a team and the name of one of its end users. */
export function endUserDigest(team: string, endUser: string): Buffer {
  return hash('sha256', JSON.stringify([team, endUser]), 'buffer');
}

/** What stands for an end user in the store and in the audit trail: 96 bits of the digest. */
export function endUserHash(team: string, endUser: string): string {
  return endUserDigest(team, endUser).toString('base64url', 0, 12);
}

/** A path of the admin API without the name of an end user, for logs. */
export function withoutEndUser(path: string): string {
  return path.startsWith('/admin/')
    ? path.replace(/^(\/admin\/teams\/[^/]*\/end-users\/)[^/]+/, '$1:end_user')
    : path;
}
