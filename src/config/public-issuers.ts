/**
 * Well-known issuers where anyone can get an account, as host and path. The list need not be complete: `public`
 * defaults to true, and this only catches a wrong `false`.
 */
const publicIssuers: ReadonlySet<string> = new Set([
  'accounts.google.com',
  'login.microsoftonline.com/common',
  'login.microsoftonline.com/organizations',
  'login.microsoftonline.com/consumers',
  'login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad', // the tenant of all personal accounts
  'appleid.apple.com',
  'token.actions.githubusercontent.com',
  'gitlab.com',
  'www.facebook.com',
  'login.yahoo.com',
  'api.login.yahoo.com', // the issuer in Yahoo's own tokens
  'www.linkedin.com/oauth',
]);

/** Whether an issuer URL is one of the well-known public ones, in any spelling. Pure. */
export function isWellKnownPublic(issuer: string): boolean {
  const url = URL.parse(issuer);
  if (url === null) return false;
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v2\.0$/, '');
  return publicIssuers.has(`${url.hostname}${path}`.toLowerCase());
}
