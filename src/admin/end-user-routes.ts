import { z } from 'zod';
import { check } from '../base/check.ts';
import { endUser } from '../base/fields.ts';
import { okJson, okList } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { resumeEndUser, suspendEndUser } from '../identity/operations/end-users.ts';
import { readRecord } from '../identity/operations/records.ts';
import { getSettings } from '../identity/operations/settings.ts';
import { limitsOfEndUser } from '../identity/records/end-user.ts';
import { suspendedEndUser, type Team } from '../identity/records/identity.ts';
import { endUserResponse } from '../identity/schemas/responses.ts';
import { limitStates } from '../limits/counters.ts';
import { useOf } from '../limits/limit-status.ts';
import type { AdminDeps } from './deps.ts';
import { replyOf } from './resource.ts';
import { type AdminContext, needing, type Operation, type Reply, type Route, teamIn } from './respond.ts';

const itsTag = 'The ETag is that of the team, whose record has the list.';

const named = z.object({ end_user: endUser });

/** The end users of a team: what one has used of their limits, and suspending one. */
export function endUserRoutes(deps: AdminDeps): Route[] {
  async function list(c: AdminContext): Promise<Reply> {
    const team = await readRecord(deps, { kind: 'team', team: teamIn(c) });
    if (team instanceof Refusal) return team;
    return { status: 200, body: { data: team.suspended_end_users ?? [] } };
  }

  async function read(c: AdminContext): Promise<Reply> {
    const name = nameIn(c);
    if (name instanceof Refusal) return name;
    const team = await readRecord(deps, { kind: 'team', team: teamIn(c) });
    return team instanceof Refusal ? team : told(team, name);
  }

  async function told(team: Team, name: string): Promise<Reply> {
    const { end_user_limits: ofGateway } = await getSettings(deps);
    const limits = limitsOfEndUser({ team: team.id, endUser: name }, [
      ['@', ofGateway],
      ['', team.end_user_limits],
    ]);
    const [states = []] = await limitStates(deps.counters, [{ team: team.id, limits }]);
    const shown = states.map((state) => {
      const { id: _id, ...limit } = state.scoped.limit;
      return { ...limit, ...useOf(state) };
    });
    return replyOf(200, { record: team, body: { ...stateOf(team, name), limits: shown } });
  }

  /** A change of the team's list. */
  function changing(change: typeof suspendEndUser, summary: string): Operation {
    const docs = { summary, details: itsTag, answer: okJson(endUserResponse), etag: 'asked' } as const;
    return needing('change-members', docs, async (c) => {
      const name = nameIn(c);
      if (name instanceof Refusal) return name;
      const team = await change(deps, { team: teamIn(c), endUser: name }, c.get('precondition'));
      return replyOf(200, team instanceof Refusal ? team : { record: team, body: stateOf(team, name) });
    });
  }

  const path = '/admin/teams/:team/end-users';
  const suspended = changing(suspendEndUser, 'Suspend an end user of a team from the next request on');
  return [
    {
      path,
      methods: {
        GET: needing(
          'read-team',
          { summary: 'List the suspended end users of a team', answer: okList(suspendedEndUser) },
          list,
        ),
      },
    },
    {
      path: `${path}/:end_user`,
      methods: {
        GET: needing(
          'read-team',
          {
            summary: 'Read what an end user of a team has used',
            details:
              "Of the limits that the gateway and the team set; those of the team's tokens are left out.",
            answer: okJson(endUserResponse),
            etag: 'told',
          },
          read,
        ),
      },
    },
    { path: `${path}/:end_user/suspend`, methods: { POST: { ...suspended, ends: true } } },
    {
      path: `${path}/:end_user/resume`,
      methods: { POST: changing(resumeEndUser, 'End the suspension of an end user') },
    },
  ];
}

function stateOf({ suspended_end_users: list }: Team, name: string): object {
  const found = list?.find(({ end_user: other }) => other === name);
  return { end_user: name, suspended_at: found?.suspended_at ?? null };
}

function nameIn(c: AdminContext): string | Refusal {
  const asked = check<z.infer<typeof named>>(named, { end_user: c.req.param('end_user') ?? '' });
  return asked instanceof Refusal ? asked : asked.end_user;
}
