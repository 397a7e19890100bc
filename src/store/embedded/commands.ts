import type { Command, Reply } from './command.ts';
import type { Keyspace } from './keyspace.ts';
import { hashCommands } from './hashes.ts';
import { sortedSetCommands } from './sorted-sets.ts';
import { streamCommands } from './streams.ts';

/** The commands that the scripts and stores use, with the options they use. */
const commands: Readonly<Record<string, Command>> = {
  ...hashCommands,
  ...sortedSetCommands,
  ...streamCommands,
  TIME: ({ nowMs }) => {
    const micros = Math.floor(nowMs * 1_000);
    return [String(Math.floor(micros / 1_000_000)), String(micros % 1_000_000)];
  },
  EXISTS: (keys, names) => names.filter((key) => keys.has(key)).length,
  DEL: (keys, names) => names.filter((key) => keys.delete(key)).length,
  EXPIRE: (keys, [key = '', seconds]) => Number(keys.expire(key, keys.nowMs + Number(seconds) * 1_000)),
  EXPIREAT: (keys, [key = '', seconds]) => Number(keys.expire(key, Number(seconds) * 1_000)),
  PEXPIREAT: (keys, [key = '', ms]) => Number(keys.expire(key, Number(ms))),
  PERSIST: (keys, [key = '']) => {
    if ((keys.expiryMs(key) ?? Infinity) === Infinity) return 0;
    return Number(keys.expire(key, Infinity));
  },
  PEXPIRETIME: (keys, [key = '']) => {
    const expiryMs = keys.expiryMs(key);
    if (expiryMs === null) return -2;
    return expiryMs === Infinity ? -1 : Math.floor(expiryMs);
  },
  GET: (keys, [key = '']) => keys.read(key, 'string')?.text ?? null,
  SET: (keys, [key = '', text = '', ...options]) => {
    const { onlyNew, expiresAtMs } = setOptions(options, keys.nowMs);
    if (onlyNew && keys.has(key)) return null;
    keys.write(key, { kind: 'string', text });
    keys.expire(key, expiresAtMs);
    return { ok: 'OK' };
  },
  INCR: (keys, [key = '']) => {
    const expiresAtMs = keys.expiryMs(key) ?? Infinity;
    const count = Number(keys.read(key, 'string')?.text ?? 0) + 1;
    keys.write(key, { kind: 'string', text: String(count) });
    keys.expire(key, expiresAtMs);
    return count;
  },
};

/** Runs one command. Throws if it is not one of those above, or if the key has another type. */
export function command(keys: Keyspace, name: string, args: readonly string[]): Reply {
  const run = commands[name.toUpperCase()];
  if (run === undefined) throw new Error(`ERR unknown command '${name}'`);
  return run(keys, args);
}

function setOptions(options: readonly string[], nowMs: number): { onlyNew: boolean; expiresAtMs: number } {
  let onlyNew = false;
  let expiresAtMs = Infinity;
  for (let at = 0; at < options.length; at += 1) {
    switch (options[at]?.toUpperCase()) {
      case 'NX':
        onlyNew = true;
        break;
      case 'EX':
        expiresAtMs = nowMs + Number(options[++at]) * 1_000;
        break;
      case 'PX':
        expiresAtMs = nowMs + Number(options[++at]);
        break;
      case 'PXAT':
        expiresAtMs = Number(options[++at]);
        break;
      default:
        throw new Error('ERR syntax error');
    }
  }
  return { onlyNew, expiresAtMs };
}
