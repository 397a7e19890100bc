import { Refusal } from '../base/refusal.ts';

/**
 * Refuses what came to the router over plain http: the token has been on the line in the clear. Heroku's router
 * sets `X-Forwarded-Proto` itself (Dev Center, http-routing); a request without it did not come through the router.
 */
export function checkHttps(forwardedProto: string | string[] | undefined): Refusal | null {
  if (forwardedProto === undefined) return null;
  const last = String(forwardedProto).split(',').at(-1)?.trim().toLowerCase();
  if (last === 'https') return null;
  return new Refusal(
    'https_required',
    'Use https: over plain http a token can be read on its way. Replace it if it is yours.',
  );
}
