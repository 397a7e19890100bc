import { z } from 'zod';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { entryResponse } from '../ledger/ledger-response.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { checkRange, pageParameters, rangeParameters } from '../reports/parameters.ts';
import type { ReadingTurns } from './reading-turns.ts';

const defaultLimit = 20;
const parameters = z.strictObject({ ...rangeParameters, ...pageParameters });

const docs: OperationDocs = {
  summary: 'List the requests of this token',
  details: `Those that were admitted, the last closed first, with those of its sessions. The answer is a page: limit entries (default: ${defaultLimit}), and a next_cursor, which is null after the last ones. A page may be short, or empty, though more follow.`,
  query: parameters,
  answer: okJson(z.object({ data: z.array(entryResponse), next_cursor: z.string().nullable() })),
};

interface OwnRequestsDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  ledger: Pick<Ledger, 'entries'>;
  turns: ReadingTurns;
}

/** `GET /v1/me/requests`: what became of each request of a token; the same entries that an administrator sees. */
export function ownRequestsRoute({ frontDoor, answers, ledger, turns }: OwnRequestsDeps): Route {
  async function requests(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const { session, token } = caller.principal.identity;
    if (session !== null) return notForSessions();
    const asked = checkRange(parameters, call.incoming.url ?? '');
    if (asked instanceof Refusal) return asked;
    const { from: fromMs, to: beforeMs, limit = defaultLimit, cursor = null } = asked;
    const { team, user, id } = token;
    const query = { filters: { team, user, token: id }, admitted: { fromMs, beforeMs }, limit, cursor };
    const page = await turns.take(id, () => ledger.entries(query));
    return page instanceof Refusal ? page : { status: 200, body: page };
  }

  return {
    path: '/v1/me/requests',
    methods: { GET: { docs, access: 'user', handle: answers.replying(requests) } },
  };
}

function notForSessions(): Refusal {
  const message = "A session cannot see its token's requests: ask with the user's token it was made with.";
  return new Refusal('role_not_allowed', message);
}
