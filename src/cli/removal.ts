import type { Command } from 'commander';
import type { JsonObject } from '../base/request.ts';
import type { Cli } from './cli.ts';

export interface YesOption {
  yes?: boolean;
}

export interface Removal {
  /** Its path in the admin API. */
  path: string;
  yes: boolean | undefined;
  /** Go on if nobody can be asked: an emergency must not wait for a flag. */
  unasked?: 'done';
  /** What is lost with it, given the record. */
  loss: (record: JsonObject) => Promise<string> | string;
  /** For programs and for people. */
  done: { value: JsonObject; words: string };
}

/** A command that asks before it removes. */
export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask');
}

/** Removes a record after a yes; not if it has changed since the question (If-Match). */
export async function remove(cli: Cli, { path, yes, unasked, loss, done }: Removal): Promise<void> {
  let seen: string | null = null;
  await cli.confirm({
    yes,
    ...(unasked ? { unasked } : {}),
    loss: async () => {
      const { record, etag } = await cli.look(path);
      seen = etag;
      return loss(record);
    },
  });
  await cli.call('DELETE', path, undefined, seen === null ? {} : { 'if-match': seen });
  cli.printDone(done.value, done.words);
}

/** `1 user`, `2 users` */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** The tokens among these that are not revoked. */
export function live(tokens: readonly JsonObject[]): JsonObject[] {
  return tokens.filter((token) => token['revoked_at'] === null);
}
