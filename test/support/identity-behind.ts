import type { Identity } from '../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';

/** What a user's token stands for, as the store knows it. */
export async function identityBehind(store: IdentityStore, secretHash: string): Promise<Identity | null> {
  return (await store.resolve({ secretHash, session: null })).identity;
}
