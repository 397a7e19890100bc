import type { Settings } from './environment.ts';
import type { TrustedIssuer } from './issuer.ts';

/** Every secret of the configuration: what no text for people may have in it. */
export function secretsIn(
  { adminKey, previousAdminKey, attachments, store, records }: Settings,
  issuers: readonly TrustedIssuer[],
): string[] {
  const urls = [store.kind === 'redis' ? store.url : null, records?.url ?? null];
  return [
    adminKey,
    previousAdminKey,
    ...attachments.map(({ key }) => key),
    ...issuers.map(({ console: client }) => client?.clientSecret),
    ...urls.flatMap((url) => (url === null ? [] : passwordsIn(url))),
  ].filter((secret) => typeof secret === 'string');
}

/** The password of a URL, as it is written there and as it is meant. */
function passwordsIn(url: string): string[] {
  const { password } = new URL(url);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}
