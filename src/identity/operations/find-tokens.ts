import type { Clock } from '../../base/clock.ts';
import type { Token, User } from '../records/identity.ts';
import { type LastUses, lastUseMs } from '../records/secret.ts';
import { stateOf, type TokenState } from '../records/token-state.ts';
import { type Identities, parseRecord } from './records.ts';

/** Tokens of one read. */
const tokensPerRead = 200;
/** How many reads one page makes to find tokens that pass, before it returns a position to continue from. */
const readsPerPage = 20;
/** Teams whose ids of tokens are read in one call. */
const teamsPerRead = 100;

export interface FoundToken {
  token: Token;
  /** Suspended: its user or its team is. */
  state: TokenState;
  /** When each of its secrets was used last. */
  uses: LastUses;
  /** The latest of these, ms; null if none ever was. */
  lastUsedMs: number | null;
}

/** Where a page ended. */
export interface TokenPosition {
  team: string;
  id: string;
}

export interface TokenSearch {
  limit: number;
  /** Null: from the first token on. */
  after: TokenPosition | null;
  /** The teams to look in; null: all. */
  teams: readonly string[] | null;
  /** Null: every token. */
  passes: ((found: FoundToken) => boolean) | null;
}

interface FindDeps extends Identities {
  clock: Pick<Clock, 'now'>;
  lastUses: (team: string, tokens: readonly string[]) => Promise<LastUses[]>;
}

/**
 * A page of the tokens of several teams, by team and id: team after team, since there is no index over all of them. It
 * is bounded by reads. So a page may be short, or empty, though more follow; `next` is null after the last one.
 */
export async function findTokens(
  deps: FindDeps,
  search: TokenSearch,
): Promise<{ data: FoundToken[]; next: TokenPosition | null }> {
  const { limit, passes } = search;
  const data: FoundToken[] = [];
  let reads = 0;
  for await (const { keys, following } of keysOfTeams(deps, search)) {
    reads += 1;
    for (let from = 0; from < keys.length && reads < readsPerPage; reads += 1) {
      const some = keys.slice(from, from + (passes ? tokensPerRead : limit - data.length));
      for (const found of await readTokens(deps, some)) {
        if (passes && !passes(found)) continue;
        data.push(found);
        if (data.length < limit) continue;
        const { team, id } = found.token;
        const last = keys.at(-1);
        return { data, next: team === last?.team && id === last.id ? following : { team, id } };
      }
      from += some.length;
      if (reads + 1 >= readsPerPage && from < keys.length) return { data, next: keys[from - 1] ?? null };
    }
    if (reads >= readsPerPage) return { data, next: following };
  }
  return { data, next: null };
}

/** Some keys of tokens, in order, and where those after them begin; null: there are none. */
interface Keys {
  keys: readonly TokenPosition[];
  following: TokenPosition | null;
}

/** The keys of all tokens after a position, those of many small teams or of one large team at a time. */
async function* keysOfTeams(
  { identities }: FindDeps,
  { after, teams: asked }: Pick<TokenSearch, 'after' | 'teams'>,
): AsyncGenerator<Keys> {
  const all = asked ?? (await identities.ids('team'));
  const teams = all.filter((team) => after === null || team >= after.team).sort();
  for (let at = 0; at < teams.length;) {
    const some = teams.slice(at, at + teamsPerRead);
    const lists = await identities.tokenIds(some, tokensPerRead);
    const keys = lists.flatMap((ids, n) => keysIn(some[n] ?? '', ids, after));
    at += Math.max(1, lists.length);
    const next = teams[at];
    // No id is empty: this is before the first token of the team.
    yield { keys, following: next === undefined ? null : { team: next, id: '' } };
  }
}

function keysIn(team: string, ids: readonly string[], after: TokenPosition | null): TokenPosition[] {
  return ids
    .filter((id) => after === null || team !== after.team || id > after.id)
    .sort()
    .map((id) => ({ team, id }));
}

/** Tokens with all that tells their state, in the order of their keys, which go by team. */
async function readTokens(deps: FindDeps, keys: readonly TokenPosition[]): Promise<FoundToken[]> {
  const byTeam = Map.groupBy(keys, ({ team }) => team);
  const found = await Promise.all(
    [...byTeam].map(([team, some]) =>
      readOfTeam(
        deps,
        team,
        some.map(({ id }) => id),
      ),
    ),
  );
  return found.flat();
}

async function readOfTeam(deps: FindDeps, id: string, ids: readonly string[]): Promise<FoundToken[]> {
  const { identities, lastUses, clock } = deps;
  const [teamText, texts, uses] = await Promise.all([
    identities.read({ kind: 'team', team: id }),
    identities.readSome('token', id, ids),
    lastUses(id, ids),
  ]);
  const tokens = texts.map((text) => (text === null ? null : parseRecord('token', text)));
  const team = teamText === null ? null : parseRecord('team', teamText);
  const users = await usersOf(deps, id, new Set(tokens.flatMap((token) => token?.user ?? [])));
  const nowMs = clock.now();
  return tokens.flatMap((token, n): FoundToken[] => {
    if (token === null) return [];
    const state = stateOf(token, { team, user: users.get(token.user) ?? null, nowMs });
    const own: LastUses = uses[n] ?? new Map();
    return [{ token, state, uses: own, lastUsedMs: lastUseMs(own) }];
  });
}

async function usersOf(
  { identities }: Identities,
  team: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, User>> {
  const texts = await identities.readSome('user', team, [...ids]);
  const users = texts.flatMap((text) => (text === null ? [] : [parseRecord('user', text)]));
  return new Map(users.map((user) => [user.id, user]));
}
