import { type Answer, ask } from './api.ts';
import { bearer, makePageKey, type Send } from './page-key.ts';

interface Minted {
  token: string;
  expires_in: number;
}

const livesS = 900;
/** A new session is made when the one at hand has less left. */
const leastLeftMs = 30_000;

/**
 * Gives what sends requests with a short session (tgs_…) that only this page knows, and makes a new one when it is about to
 * end. If the token asks for it, the session is bound to a key of the page.
 */
export function pageSession(): () => Promise<Answer<Send>> {
  let known: { send: Send; untilMs: number } | null = null;
  return async () => {
    if (known && known.untilMs - Date.now() > leastLeftMs) return { ok: true, value: known.send, etag: null };
    const plain = await mint({});
    if (!plain.ok && plain.problem.param !== 'cnf') return plain;
    const key = plain.ok ? null : await makePageKey();
    const minted = key === null ? plain : await mint({ cnf: { jkt: key.jkt } });
    if (!minted.ok) return minted;
    const { token, expires_in: granted } = minted.value;
    const send = key === null ? bearer(token) : key.prover(token);
    known = { send, untilMs: Date.now() + granted * 1_000 };
    return { ...minted, value: send };
  };
}

function mint(more: object): Promise<Answer<Minted>> {
  return ask<Minted>('/v1/sessions', { method: 'POST', body: { expires_in: livesS, ...more } });
}
