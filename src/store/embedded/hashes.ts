import type { Command } from './command.ts';
import type { Keyspace } from './keyspace.ts';

export const hashCommands: Readonly<Record<string, Command>> = {
  HGET: (keys, [key = '', field = '']) => fieldsOf(keys, key)?.get(field) ?? null,
  HMGET: (keys, [key = '', ...names]) => {
    const fields = fieldsOf(keys, key);
    return names.map((name) => fields?.get(name) ?? null);
  },
  HGETALL: (keys, [key = '']) => [...(fieldsOf(keys, key) ?? [])].flat(),
  HKEYS: (keys, [key = '']) => [...(fieldsOf(keys, key)?.keys() ?? [])],
  HVALS: (keys, [key = '']) => [...(fieldsOf(keys, key)?.values() ?? [])],
  HLEN: (keys, [key = '']) => fieldsOf(keys, key)?.size ?? 0,
  HEXISTS: (keys, [key = '', field = '']) => Number(fieldsOf(keys, key)?.has(field) ?? false),
  /** Returns one page, as Redis does for a small hash: COUNT is only a hint. */
  HSCAN: (keys, [key = '']) => ['0', [...(fieldsOf(keys, key) ?? [])].flat()],
  HSET: (keys, [key = '', ...pairs]) => {
    const fields = fieldsToWrite(keys, key);
    const before = fields.size;
    for (let at = 0; at + 1 < pairs.length; at += 2) fields.set(pairs[at] ?? '', pairs[at + 1] ?? '');
    return fields.size - before;
  },
  HSETNX: (keys, [key = '', field = '', text = '']) => {
    const fields = fieldsToWrite(keys, key);
    if (fields.has(field)) return 0;
    fields.set(field, text);
    return 1;
  },
  HINCRBY: (keys, [key = '', field = '', by]) => {
    const fields = fieldsToWrite(keys, key);
    const sum = Number(fields.get(field) ?? 0) + Number(by);
    fields.set(field, String(sum));
    return sum;
  },
  HDEL: (keys, [key = '', ...names]) => {
    const fields = fieldsOf(keys, key);
    if (!fields) return 0;
    const gone = names.filter((name) => fields.delete(name)).length;
    if (fields.size === 0) keys.delete(key);
    return gone;
  },
};

function fieldsOf(keys: Keyspace, key: string): Map<string, string> | undefined {
  return keys.read(key, 'hash')?.fields;
}

function fieldsToWrite(keys: Keyspace, key: string): Map<string, string> {
  const known = fieldsOf(keys, key);
  if (known) return known;
  const fields = new Map<string, string>();
  keys.write(key, { kind: 'hash', fields });
  return fields;
}
