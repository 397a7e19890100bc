import { dayMs, dayOf } from '../base/days.ts';
import { findTokens, type FoundToken, type TokenPosition } from '../identity/operations/find-tokens.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import type { SecretStore } from '../identity/store/secret-store.ts';
import type { LookedAt } from './looked-at.ts';
import type { Monitor } from './notice.ts';
import { type Days, dayNumber, tellingOf, tokenNotices } from './token-days.ts';

const name = 'tokens';
const everyMs = 5 * 60_000;
/** Tokens to tell of in one page; a page is bounded by its reads too. */
const perPage = 200;
/** If no process ran, the looks of so many days before are made up for. */
const madeUpDays = 7;

interface TokensParts {
  identities: IdentityStore;
  secrets: Pick<SecretStore, 'lastUses'>;
  lookedAt: Pick<LookedAt, 'latest'>;
}

/** Tokens that expire, or that nobody uses: all of them once a day. */
export function tokensMonitor({ identities, secrets, lookedAt }: TokensParts): Monitor {
  return {
    name,
    everyMs,
    period: dayOf,
    async *notices(nowMs) {
      const days = await daysFor(lookedAt, nowMs);
      const lastUses = secrets.lastUses.bind(secrets);
      const deps = { identities, lastUses, clock: { now: () => nowMs } };
      const passes = (found: FoundToken): boolean => tellingOf(found, days) !== null;
      for await (const [team, tokens] of tokensByTeam(deps, passes)) yield* tokenNotices(team, tokens, days);
    },
  };
}

/** The first look of all tells what falls on its own day, not all that has gathered in years. */
async function daysFor(lookedAt: Pick<LookedAt, 'latest'>, nowMs: number): Promise<Days> {
  const before = Array.from({ length: madeUpDays }, (_, n) => dayOf(nowMs - (n + 1) * dayMs));
  const today = dayNumber(nowMs);
  const latest = await lookedAt.latest(name, before);
  return { today, after: latest === null ? today - 1 : dayNumber(Date.parse(latest)) };
}

/** The tokens that pass, team after team. */
async function* tokensByTeam(
  deps: Parameters<typeof findTokens>[0],
  passes: (found: FoundToken) => boolean,
): AsyncGenerator<[team: string, tokens: FoundToken[]]> {
  let gathered: FoundToken[] = [];
  let after: TokenPosition | null = null;
  do {
    const search = { limit: perPage, after, teams: null, passes };
    const page: Awaited<ReturnType<typeof findTokens>> = await findTokens(deps, search);
    for (const found of page.data) {
      const [first] = gathered;
      if (first && first.token.team !== found.token.team) {
        yield [first.token.team, gathered];
        gathered = [];
      }
      gathered.push(found);
    }
    after = page.next;
  } while (after !== null);
  const [first] = gathered;
  if (first) yield [first.token.team, gathered];
}
