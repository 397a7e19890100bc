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

const namedInPath = /(\/end-users\/).+?(\/(?:suspend|resume))?$/s;

/** A path of the API for the log: without the name of an end user. */
export function withoutEndUser(path: string): string {
  return path.includes('/end-users/') ? path.replace(namedInPath, '$1:end_user$2') : path;
}
