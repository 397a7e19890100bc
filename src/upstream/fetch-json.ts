import type { Refusal } from '../base/refusal.ts';
import { retryAfterMs } from '../base/retry-after.ts';
import { failed, isJson, timedOut, unreachable, upstreamTrouble } from './upstream-error.ts';
import { headerValue } from '../base/header-value.ts';
import type { Upstream } from './upstream.ts';

/** GETs a JSON value of up to `maxBytes` from an upstream with its key. Returns the refusal for the caller if that fails. */
export async function fetchJson(
  { pool, pathPrefix, attachment }: Upstream,
  { path, maxBytes, timeoutMs }: { path: string; maxBytes: number; timeoutMs: number },
): Promise<{ value: unknown } | Refusal> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const headers = {
      authorization: `Bearer ${attachment.key}`,
      accept: 'application/json',
      'accept-encoding': 'identity',
    };
    const answer = await pool.request({ path: pathPrefix + path, method: 'GET', headers, signal });
    const whole = await boundedText(answer.body as AsyncIterable<Buffer>, maxBytes);
    if (whole === null) return failed('Its answer is too large.');
    const contentType = headerValue(answer.headers['content-type']) ?? '';
    const status = answer.statusCode;
    if (status >= 300 || !isJson(contentType)) {
      const waitMs = retryAfterMs(answer.headers, null);
      return upstreamTrouble({ status, contentType, retryAfterMs: waitMs, text: whole, attachment }).refusal;
    }
    return { value: JSON.parse(whole.replaceAll(attachment.key, '***')) as unknown };
  } catch (error) {
    if (signal.aborted) return timedOut(timeoutMs);
    return error instanceof SyntaxError ? failed('Its answer is not JSON.') : unreachable();
  }
}

/** The text of a body; null if it is longer than `maxBytes`, and then the rest is not read. */
export async function boundedText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null; // leaving the loop lets go of the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
