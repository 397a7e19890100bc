import { describe, expect, it } from 'vitest';
import { findTokens, type TokenPosition } from '../../../../src/identity/operations/find-tokens.ts';
import type { Identities } from '../../../../src/identity/operations/records.ts';
import type { Token } from '../../../../src/identity/records/identity.ts';
import { teamNamed, tokenNamed, userNamed } from '../../../contract/identity-store.ts';

/** Teams with tokens, which counts what is read of them. */
class Teams {
  readonly tokens = new Map<string, Map<string, Token>>();
  reads = 0;
  tokensRead = 0;

  constructor(teams: number, tokensEach: number) {
    for (let n = 0; n < teams; n += 1) {
      const team = `team-${String(n).padStart(4, '0')}`;
      const own = Array.from({ length: tokensEach }, (_, each) =>
        tokenNamed(`tok_${String(each).padStart(4, '0')}`, { team }),
      );
      this.tokens.set(team, new Map(own.map((token) => [token.id, token])));
    }
  }

  /** Only what a search reads. */
  get identities(): Identities['identities'] {
    const reading = {
      ids: () => this.#read([...this.tokens.keys()].toReversed()),
      tokenIds: (teams: string[], enough: number) => this.#read(this.#idsOf(teams, enough)),
      read: ({ team }: { team: string }) => Promise.resolve(JSON.stringify(teamNamed(team))),
      readSome: (kind: string, team: string, ids: readonly string[]) => {
        if (kind === 'user') return Promise.resolve(ids.map((id) => JSON.stringify(userNamed(id))));
        this.tokensRead += ids.length;
        return this.#read(ids.map((id) => JSON.stringify(this.tokens.get(team)?.get(id))));
      },
    };
    return reading as unknown as Identities['identities']; // the rest is never called
  }

  #read<T>(answer: T): Promise<T> {
    this.reads += 1;
    return Promise.resolve(answer);
  }

  #idsOf(teams: readonly string[], enough: number): string[][] {
    const lists: string[][] = [];
    for (const team of teams) {
      lists.push([...(this.tokens.get(team)?.keys() ?? [])].toReversed());
      if (lists.flat().length >= enough) break;
    }
    return lists;
  }
}

function search(
  teams: Teams,
  after: TokenPosition | null,
  passes: ((token: Token) => boolean) | null = null,
) {
  const deps = {
    identities: teams.identities,
    clock: { now: () => 0 },
    lastUses: (_team: string, ids: readonly string[]) => Promise.resolve(ids.map(() => new Map())),
  };
  return findTokens(deps, {
    limit: 50,
    after,
    teams: null,
    passes: passes && (({ token }) => passes(token)),
  });
}

/** The tokens of all pages, and how many pages there were. */
async function walked(teams: Teams, passes: ((token: Token) => boolean) | null = null) {
  const found: string[] = [];
  let pages = 0;
  for (let after: TokenPosition | null = null, more = true; more; pages += 1) {
    const page: Awaited<ReturnType<typeof search>> = await search(teams, after, passes);
    found.push(...page.data.map(({ token }) => `${token.team}/${token.id}`));
    after = page.next;
    more = after !== null;
  }
  return { found, pages };
}

describe('a search for tokens over teams', () => {
  it.each([
    [5, 2_000],
    [100, 100],
    [1_000, 10],
  ])('reads no more than the page it tells: %i teams of %i tokens', async (count, each) => {
    const teams = new Teams(count, each);
    const { data, next } = await search(teams, null);
    expect([data.length, next]).toEqual([50, expect.anything()]);
    expect(teams.tokensRead).toBe(50);
    // The teams, the ids, and the tokens of each team on the page.
    expect(teams.reads).toBeLessThanOrEqual(2 + Math.ceil(50 / each));
  });

  it.each([
    [3, 170],
    [170, 3],
    [130, 0],
  ])('has every token once over all pages: %i teams of %i tokens', async (count, each) => {
    const teams = new Teams(count, each);
    const expected = [...teams.tokens].flatMap(([team, own]) => [...own.keys()].map((id) => `${team}/${id}`));
    const { found } = await walked(teams);
    expect(found).toEqual(expected);
  });

  it('is bounded however few pass, and goes on from there', async () => {
    const teams = new Teams(5, 2_000);
    const last = (token: Token): boolean => token.team === 'team-0004' && token.id === 'tok_1999';
    const first = await search(teams, null, last);
    expect(first.data).toEqual([]);
    expect(first.next).not.toBeNull();
    expect(teams.tokensRead).toBeLessThanOrEqual(4_000);
    const { found, pages } = await walked(teams, last);
    expect(found).toEqual(['team-0004/tok_1999']);
    expect(pages).toBeLessThanOrEqual(4);
  });

  it('is bounded however many teams have none', async () => {
    const teams = new Teams(5_000, 0);
    const { next } = await search(teams, null);
    expect(next).not.toBeNull();
    expect(teams.reads).toBeLessThanOrEqual(21);
    expect((await walked(teams)).found).toEqual([]);
  });

  it('goes on after a team that is gone', async () => {
    const teams = new Teams(3, 40);
    const { next } = await search(teams, null);
    teams.tokens.delete(next?.team ?? '');
    const { data } = await search(teams, next);
    expect(data.map(({ token }) => token.team)).toEqual(Array.from({ length: 40 }, () => 'team-0002'));
  });
});
