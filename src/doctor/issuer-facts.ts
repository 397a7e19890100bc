import type { Clock } from '../base/clock.ts';
import { isRecord } from '../base/request.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { Discovery, type ProviderMetadata } from '../sign-in/discovery.ts';
import { publishedJson } from '../sign-in/published-json.ts';

/** What an issuer publishes, or why it could not be read. */
export interface IssuerFacts {
  readonly issuer: TrustedIssuer;
  /** Null: it is not asked, since the file says where the keys are. */
  readonly discovery: ProviderMetadata | { readonly failed: string } | null;
  /** How many keys it publishes; null: nobody knows where they are. */
  readonly keys: number | { readonly failed: string } | null;
}

/** Asks an issuer as a sign-in would. Never rejects. */
export async function issuerFacts(
  issuer: TrustedIssuer,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<IssuerFacts> {
  const isAsked = issuer.jwksUri === null || issuer.console !== undefined;
  const times = { clock, timeoutMs, floorMs: 0, cacheMaxAgeMs: 0 };
  const discovery = isAsked ? await new Discovery(issuer.issuer, times).provider().catch(failedBy) : null;
  const found = discovery !== null && 'jwks_uri' in discovery ? discovery.jwks_uri : null;
  const uri = issuer.jwksUri ?? found;
  return { issuer, discovery, keys: uri === null ? null : await keysAt(uri, timeoutMs).catch(failedBy) };
}

async function keysAt(uri: string, timeoutMs: number): Promise<number> {
  const document = await publishedJson(uri, AbortSignal.timeout(timeoutMs));
  return isRecord(document) && Array.isArray(document['keys']) ? document['keys'].length : 0;
}

function failedBy(error: unknown): { failed: string } {
  if (!(error instanceof Error)) return { failed: 'it failed' };
  if (error.name === 'TimeoutError') return { failed: 'it does not answer' };
  if (error.name === 'ZodError') return { failed: 'its discovery document lacks issuer or jwks_uri' };
  // Node's own error says only that it failed.
  const { cause } = error;
  const told = cause instanceof Error && cause.message !== '' ? cause.message : error.message;
  return { failed: told.replace(/\.$/, '') };
}
