import type { Credential } from '../identity/records/identity.ts';
import type { Authenticated } from './authenticator.ts';

/** How often a step is tried, because the caller's team may change each time. */
const maxTries = 3;

/**
 * Runs `step` with the caller until the store no longer finds that the caller's team has changed meanwhile. Reads the
 * caller again after each stale try; why that is refused is a result too. Undefined after three stale tries.
 */
export async function whileStale<R extends object, T>(
  store: { refresh(credential: Credential): Promise<Authenticated | R> },
  caller: Authenticated,
  step: (caller: Authenticated) => Promise<T | 'stale'>,
): Promise<T | R | undefined> {
  let current = caller;
  for (let tried = 0; tried < maxTries; tried += 1) {
    const result = await step(current);
    if (result !== 'stale') return result;
    const read = await store.refresh(current.principal.credential);
    if (!('principal' in read)) return read;
    current = read;
  }
  return undefined;
}
