import { z } from 'zod';
import { checkDays, dayParameters, groupList, queryOf } from '../reports/parameters.ts';
import type { Answers } from '../edge/answers.ts';
import type { Clock } from '../base/clock.ts';
import { type DocumentedOperation, okList } from '../base/operation-docs.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';
import type { UsageQuery } from '../ledger/totals.ts';
import type { Token } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { usageRowResponse } from '../ledger/ledger-response.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Call } from '../edge/call.ts';

/** Readings of one token that may wait for each other. */
const maxWaiting = 8;

const parameters = z.strictObject({
  ...dayParameters,
  group_by: groupList(['day', 'model', 'endpoint'] as const).exactOptional(),
});

export const ownUsageDocs: DocumentedOperation = {
  docs: {
    summary: 'Sum up what this token was used for',
    details: 'Whole UTC days; the default is today. Without group_by there is one row.',
    query: parameters,
    answer: okList(usageRowResponse),
  },
  access: 'user',
};

export interface OwnUsageParts {
  frontDoor: FrontDoor;
  answers: Answers;
  ledger: LedgerReader;
  clock: Clock;
}

/** `GET /v1/me/usage`: what a token was used for, the same figures an administrator sees of it. */
export class OwnUsage {
  readonly #parts: OwnUsageParts;
  /** Of each token that is being read for: the last reading, and how many there are. */
  readonly #readings = new Map<string, { last: Promise<unknown>; count: number }>();

  constructor(parts: OwnUsageParts) {
    this.#parts = parts;
  }

  /** Neither counted nor in the ledger. A session may not: its token's figures are nobody's business on a page. */
  async usage(call: Call): Promise<void> {
    const { frontDoor, answers } = this.#parts;
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    const { session, token } = caller.principal.identity;
    const query = session === null ? this.#queryOf(call, token) : notForSessions();
    if (query instanceof Refusal) return answers.refuse(call, query);
    const rows = await this.#inTurn(token.id, () => this.#parts.ledger.usage(query));
    if (rows instanceof Refusal) return answers.refuse(call, rows);
    answers.answer(call, { data: rows });
  }

  #queryOf(call: Call, { team, user, id }: Token): UsageQuery | Refusal {
    const { searchParams } = new URL(call.incoming.url ?? '', 'http://gateway.invalid');
    const query = queryOf(searchParams);
    if (query instanceof Refusal) return query;
    const checked = checkDays(parameters, query, this.#parts.clock);
    if (!checked.ok) return checked.refusal;
    const { from, to, group_by: groupBy = [] } = checked.value;
    return { from, to, groupBy, filters: { team, user, token: id } };
  }

  /** A reading looks through whole days of everybody's sums: a token has one at a time. */
  async #inTurn<T>(token: string, read: () => Promise<T>): Promise<T | Refusal> {
    const before = this.#readings.get(token) ?? { last: Promise.resolve(), count: 0 };
    if (before.count >= maxWaiting) return tooMany();
    const reading = before.last.then(read, read);
    const now = { last: reading, count: before.count + 1 };
    this.#readings.set(token, now);
    try {
      return await reading;
    } finally {
      this.#done(token);
    }
  }

  #done(token: string): void {
    const now = this.#readings.get(token);
    if (now === undefined || now.count <= 1) this.#readings.delete(token);
    else this.#readings.set(token, { ...now, count: now.count - 1 });
  }
}

function notForSessions(): Refusal {
  const message = "A session cannot see its token's usage: ask with the user's token it was made with.";
  return new Refusal('role_not_allowed', message);
}

function tooMany(): Refusal {
  const message = 'The usage of this token is being read several times already; wait for those answers.';
  return new Refusal('rate_limit_exceeded', message, { headers: { 'retry-after': '1' } });
}
