import { type Harness, startMs } from './harness.ts';

/** The body of a raise for the hour that tests take place in. */
export const aRaise = { by: 5, until: new Date(startMs + 3_600_000).toISOString() };

/** Gives a record a limit with a raise. Returns their ids; those of no limit and no raise if there is no such record. */
export async function raisedLimit(
  admin: Pick<Harness, 'call'>,
  record: string,
): Promise<{ limit: string; raise: string }> {
  const limits = [{ metric: 'requests', window: 'day', max: 10 }];
  const { body } = await admin.call('PATCH', record, { limits });
  const [{ id: limit } = { id: 'none' }] = (body['limits'] ?? []) as { id: string }[];
  const made = await admin.call('POST', `${record}/limits/${limit}/raise`, aRaise);
  return { limit, raise: (made.body['id'] as string | undefined) ?? 'none' };
}
