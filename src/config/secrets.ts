import type { Settings } from './environment.ts';
import type { TrustedIssuer } from './issuer.ts';

/** Every secret of the configuration: what no text for people may have in it. */
export function secretsIn(
  { adminKey, previousAdminKey, attachments, store, records, telemetry }: Settings,
  issuers: readonly TrustedIssuer[],
): string[] {
  const urls = [store.kind === 'redis' ? store.url : null, records?.url ?? null];
  return [
    adminKey,
    previousAdminKey,
    ...attachments.map(({ key }) => key),
    ...issuers.map(({ console: client }) => client?.clientSecret),
    ...urls.flatMap((url) => (url === null ? [] : passwordsIn(url))),
    ...[telemetry?.traces, telemetry?.metrics].flatMap((push) => credentialsIn(push?.headers ?? {})),
  ].filter((secret) => typeof secret === 'string');
}

/** The password of a URL, as it is written there and as it is meant. */
function passwordsIn(url: string): string[] {
  const { password } = new URL(url);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}

/** The values of headers, and what of them follows a scheme such as `Bearer`. */
function credentialsIn(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers).flatMap((value) => [value, value.replace(/^\S+ +/, '')]);
}
