import { type Answer, ask } from './api.ts';

interface Minted {
  token: string;
  expires_in: number;
}

const livesS = 900;
/** A new session is made when the one at hand has less left. */
const leastLeftMs = 30_000;

/** Gives the token of a short session (tgs_…) that only this page knows, and makes a new one when it is about to end. */
export function pageSession(): () => Promise<Answer<string>> {
  let known: { token: string; untilMs: number } | null = null;
  return async () => {
    if (known && known.untilMs - Date.now() > leastLeftMs) {
      return { ok: true, value: known.token, etag: null };
    }
    const minted = await ask<Minted>('/v1/sessions', { method: 'POST', body: { expires_in: livesS } });
    if (!minted.ok) return minted;
    const { token, expires_in: granted } = minted.value;
    known = { token, untilMs: Date.now() + granted * 1_000 };
    return { ...minted, value: token };
  };
}
