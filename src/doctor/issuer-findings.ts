import { consoleCallbackPath } from '../config/issuer.ts';
import { type Finding, ok, problem } from './finding.ts';
import type { IssuerFacts } from './issuer-facts.ts';

/** What is to be said of an issuer. Pure. */
export function issuerFindings({
  issuer: { issuer, console: client },
  discovery,
  keys,
}: IssuerFacts): Finding[] {
  if (discovery !== null && 'failed' in discovery) {
    const says = `${issuer}: its discovery document cannot be used: ${discovery.failed}.`;
    const remedy = 'Compare "issuer" in ISSUERS_FILE with what the provider publishes, to the letter.';
    return [problem('issuer.discovery', says, remedy)];
  }
  if (keys !== null && typeof keys !== 'number') {
    const says = `${issuer}: its keys cannot be fetched: ${keys.failed}.`;
    return [problem('issuer.keys', says, 'Check "jwks_uri" in ISSUERS_FILE, or leave it out.')];
  }
  if (keys === 0) {
    const says = `${issuer}: it publishes no keys, so that no ID token can be verified.`;
    return [problem('issuer.keys', says, 'Check "jwks_uri" in ISSUERS_FILE, or leave it out.')];
  }
  if (client && !(discovery?.authorization_endpoint && discovery.token_endpoint)) {
    const says = `${issuer}: it names no endpoints to sign in to the console.`;
    const remedy = `Leave "console" out of its entry, or take a provider with ${consoleCallbackPath} (docs/console-sign-in.md).`;
    return [problem('issuer.console', says, remedy)];
  }
  return [ok('issuer.keys', `${issuer}: it publishes ${keys === 1 ? '1 key' : `${keys} keys`}.`)];
}
