import { z } from 'zod';
import { checkDays, groupList, rangeParameters } from '../reports/parameters.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Clock } from '../base/clock.ts';
import { okList, type OperationDocs } from '../base/operation-docs.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { UsageQuery } from '../ledger/totals.ts';
import type { Token } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { usageRowResponse } from '../ledger/ledger-response.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Call } from '../edge/call.ts';
import type { ReadingTurns } from './reading-turns.ts';
import type { Route } from '../edge/route.ts';

const parameters = z.strictObject({
  ...rangeParameters,
  group_by: groupList(['day', 'model', 'endpoint'] as const).exactOptional(),
});

const docs: OperationDocs = {
  summary: 'Sum up what this token was used for',
  details:
    'Sums of whole UTC days: from and to are days, or times at which one begins. The default is today. Without group_by there is one row.',
  query: parameters,
  answer: okList(usageRowResponse),
};

interface OwnUsageDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  ledger: Pick<Ledger, 'usage' | 'maxDays'>;
  clock: Clock;
  turns: ReadingTurns;
}

/** `GET /v1/me/usage`: what a token was used for; the same figures that an administrator sees of it. */
export function ownUsageRoute({ frontDoor, answers, ledger, clock, turns }: OwnUsageDeps): Route {
  /** Not for sessions: a page must not see its token's figures. */
  async function usage(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const { session, token } = caller.principal.identity;
    const query = session === null ? queryIn(call, token) : notForSessions();
    if (query instanceof Refusal) return query;
    const rows = await turns.take(token.id, () => ledger.usage(query));
    return rows instanceof Refusal ? rows : { status: 200, body: { data: rows } };
  }

  function queryIn(call: Call, { team, user, id }: Token): UsageQuery | Refusal {
    const checked = checkDays(parameters, call.incoming.url ?? '', { clock, maxDays: ledger.maxDays });
    if (checked instanceof Refusal) return checked;
    const { from, to, group_by: groupBy = [] } = checked;
    return { from, to, groupBy, filters: { team, user, token: id } };
  }

  return {
    path: '/v1/me/usage',
    methods: { GET: { docs, access: 'user', handle: answers.replying(usage) } },
  };
}

function notForSessions(): Refusal {
  const message = "A session cannot see its token's usage: ask with the user's token it was made with.";
  return new Refusal('role_not_allowed', message);
}
