import type { Keyspace } from './keyspace.ts';

/** As Redis answers; `{ ok }` is a status. */
export type Reply = string | number | null | { readonly ok: string } | readonly Reply[];

/** Runs one command. Throws what Redis would answer as an error. */
export type Command = (keys: Keyspace, args: readonly string[]) => Reply;
