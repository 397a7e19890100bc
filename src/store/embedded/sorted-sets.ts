import type { Command } from './command.ts';
import type { Keyspace } from './keyspace.ts';

export const sortedSetCommands: Readonly<Record<string, Command>> = {
  ZADD: (keys, [key = '', score, member = '']) => {
    const scores = scoresOf(keys, key) ?? new Map<string, number>();
    if (scores.size === 0) keys.write(key, { kind: 'sorted', scores });
    const isNew = !scores.has(member);
    scores.set(member, Number(score));
    return Number(isNew);
  },
  ZINCRBY: (keys, [key = '', by, member = '']) => {
    const scores = scoresOf(keys, key) ?? new Map<string, number>();
    if (scores.size === 0) keys.write(key, { kind: 'sorted', scores });
    const score = (scores.get(member) ?? 0) + Number(by);
    scores.set(member, score);
    return String(score);
  },
  ZSCORE: (keys, [key = '', member = '']) => {
    const score = scoresOf(keys, key)?.get(member);
    return score === undefined ? null : String(score);
  },
  ZRANGE: (keys, [key = '', start, stop, withScores]) => {
    const found = ordered(scoresOf(keys, key) ?? []);
    const some = found.slice(indexIn(found, Number(start)), Math.max(0, indexIn(found, Number(stop)) + 1));
    return withScores === undefined
      ? some.map(([member]) => member)
      : some.flatMap(([member, score]) => [member, String(score)]);
  },
  ZRANGEBYSCORE: (keys, [key = '', min = '', max = '']) => {
    return between(scoresOf(keys, key) ?? new Map(), min, max).map(([member]) => member);
  },
  ZREMRANGEBYSCORE: (keys, [key = '', min = '', max = '']) => {
    const gone = between(scoresOf(keys, key) ?? new Map(), min, max);
    return remove(
      keys,
      key,
      gone.map(([member]) => member),
    );
  },
  ZREM: (keys, [key = '', ...members]) => remove(keys, key, members),
};

type Scored = readonly [member: string, score: number];

function scoresOf(keys: Keyspace, key: string): Map<string, number> | undefined {
  return keys.read(key, 'sorted')?.scores;
}

function ordered(scores: Iterable<Scored>): Scored[] {
  return [...scores].sort(([a, left], [b, right]) => left - right || (a < b ? -1 : 1));
}

/** A negative index counts from the end. */
function indexIn({ length }: readonly unknown[], index: number): number {
  return index < 0 ? length + index : index;
}

function between(scores: ReadonlyMap<string, number>, min: string, max: string): Scored[] {
  const [low, high] = [boundIn(min), boundIn(max)];
  const isIn = (score: number): boolean =>
    (low.open ? score > low.at : score >= low.at) && (high.open ? score < high.at : score <= high.at);
  return ordered([...scores].filter(([, score]) => isIn(score)));
}

/** `(5` excludes 5. */
function boundIn(text: string): { at: number; open: boolean } {
  const open = text.startsWith('(');
  const score = open ? text.slice(1) : text;
  if (score === '-inf') return { at: -Infinity, open };
  return { at: score === '+inf' ? Infinity : Number(score), open };
}

function remove(keys: Keyspace, key: string, members: readonly string[]): number {
  const scores = scoresOf(keys, key);
  if (!scores) return 0;
  const gone = members.filter((member) => scores.delete(member)).length;
  if (scores.size === 0) keys.delete(key);
  return gone;
}
