import type { Limit } from '../src/base/limit.ts';
import type { Administration } from '../test/support/gateway.ts';
import { models } from '../test/support/gateway.ts';

/** A token to call with, and its owner. */
export interface Token {
  text: string;
  id: string;
  team: string;
  user: string;
}

interface Team {
  id: string;
  limits: Limit[];
  users: { limits: Limit[]; tokens: Limit[][] }[];
}

/**
 * Who calls, under which limits: every metric, window and scope, some never reached, some reached soon, some for
 * one model only. Limits for a day or an hour grow with the length of the run.
 */
function teamsFor(seconds: number): Team[] {
  const atOnce = (max: number): Limit => ({ metric: 'concurrency', max });
  return [
    {
      id: 'crowded',
      limits: [
        atOnce(10),
        { metric: 'requests', window: 'day', max: 100_000 },
        { metric: 'tokens', window: 'month', max: 100_000_000 },
        { metric: 'images', window: 'day', max: 6 * seconds },
      ],
      users: [
        { limits: [atOnce(6)], tokens: [[atOnce(3)], [], []] },
        { limits: [{ metric: 'images', window: 'hour', max: 2 * seconds }], tokens: [[], []] },
      ],
    },
    {
      id: 'rationed',
      limits: [
        { metric: 'requests', window: 'minute', max: 600 },
        { metric: 'requests', window: 'day', max: 25 * seconds },
        atOnce(20),
      ],
      users: [
        {
          limits: [{ metric: 'requests', window: 'hour', max: 14 * seconds }],
          tokens: [[{ metric: 'requests', window: 'month', max: 6 * seconds }], [atOnce(2)]],
        },
        { limits: [{ metric: 'images', window: 'minute', max: 60 }], tokens: [[]] },
      ],
    },
    {
      id: 'frugal',
      limits: [
        { metric: 'tokens', window: 'day', max: 1_000 * seconds },
        { metric: 'requests', window: 'day', max: 8 * seconds, models: [models.embeddings] },
        { metric: 'images', window: 'month', max: 4 * seconds },
      ],
      users: [
        { limits: [{ metric: 'tokens', window: 'minute', max: 15_000 }], tokens: [[], []] },
        { limits: [], tokens: [[{ metric: 'tokens', window: 'hour', max: 200 * seconds }], [atOnce(4)]] },
      ],
    },
  ];
}

/** Makes them all, and gives the tokens. */
export async function makeTeams(administration: Administration, seconds: number): Promise<Token[]> {
  const tokens: Token[] = [];
  for (const { id, limits, users } of teamsFor(seconds)) {
    for (const { limits: ofUser, tokens: ofTokens } of users) {
      const [first = [], ...more] = ofTokens;
      const team = { id, limits };
      const issued = await administration.issue({ team, user: { limits: ofUser }, limits: first });
      tokens.push(issued);
      for (const ofToken of more)
        tokens.push(await anotherToken(administration, { team: id, user: issued.user, limits: ofToken }));
    }
  }
  return tokens;
}

async function anotherToken(
  administration: Administration,
  { team, user, limits }: { team: string; user: string; limits: Limit[] },
): Promise<Token> {
  const { status, body } = await administration.admin('POST', `/admin/teams/${team}/tokens`, {
    user,
    limits,
  });
  if (status !== 201) throw new Error(`No token: ${JSON.stringify(body)}`);
  return { text: String(body['token']), id: String(body['id']), team, user };
}
