import { boundedText } from '../upstream/fetch-json.ts';
import { parsedJson } from '../base/request.ts';
import { KeysUnavailable } from './keys-unavailable.ts';

/** The largest document of an issuer: a hundred keys with their certificates have some 200 kB. */
const maxBytes = 524_288;

/**
 * A JSON document that an issuer publishes. Follows no redirect: whoever it leads to could speak for the issuer. Rejects
 * with `KeysUnavailable` if it is no JSON of at most 512 KiB, and when the signal ends it, however far it has come.
 */
export async function publishedJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    redirect: 'manual',
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new KeysUnavailable(`Expected 200, but the issuer answered ${response.status}.`);
  }
  const text = response.body === null ? '' : await boundedText(response.body, maxBytes);
  if (text === null) throw new KeysUnavailable('The answer of the issuer is too large.');
  const value = parsedJson(text);
  if (value === undefined) throw new KeysUnavailable('The answer of the issuer is not JSON.');
  return value;
}
