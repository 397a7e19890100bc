import type { Keyspace } from './keyspace.ts';

/** A reply of Redis; `{ ok }` is a status. */
export type Reply = string | number | null | { readonly ok: string } | readonly Reply[];

/** Runs one command. Throws the errors that Redis would answer with. */
export type Command = (keys: Keyspace, args: readonly string[]) => Reply;
