import type { GatewayEvent } from '../base/event.ts';
import type { JsonObject } from '../base/request.ts';
import type { Change } from './audit.ts';
import type { AuditContext } from './context.ts';

/** Whose changes are told as a leak. */
const leakReport = 'leak-report';

/** Who disables a webhook that takes nothing. */
export const delivery = 'delivery';

/**
 * The event that a change is told by, besides its entry in the audit trail; null if there is none. Of a user who is deleted,
 * each token is revoked by a change of its own; with a team, its tokens go without an event. Pure.
 */
export function toldChange(
  { team, id, before, after }: Change,
  operation: string,
  { actor, reportedUrl = null }: AuditContext,
): GatewayEvent | null {
  if (id === null) return null;
  const record = after ?? before ?? {};
  const name = textIn(record, 'name');
  const user = textIn(record, 'user');
  const token = { token: id, user: user ?? '', name };
  switch (operation) {
    case 'token.rotate':
      return { type: 'token.rotated', team, data: { ...token, actor } };
    case 'token.revoke':
      if (actor === leakReport) return leaked({ team, token: id, user, name, reportedUrl });
      return {
        type: 'token.revoked',
        team,
        data: { ...token, actor, because: textIn(record, 'revoked_because') },
      };
    case 'token.change': // an older secret that still worked
      return actor === leakReport ? leaked({ team, token: id, user, name, reportedUrl }) : null;
    case 'administrator.create':
      return {
        type: 'admin.created',
        team: null,
        data: { admin: id, name, role: textIn(record, 'role') ?? '', teams: textsIn(record, 'teams'), actor },
      };
    case 'administrator.delete':
      return actor === leakReport ? leaked({ team: null, token: id, user: null, name, reportedUrl }) : null;
    case 'webhook.disable':
      return actor === delivery ? disabled(id, team, record) : null;
    case 'user.create':
      return actor === 'sign-in' ? { type: 'signin.provisioned', team, data: { user: id } } : null;
    default:
      return null;
  }
}

interface Leaked {
  team: string | null;
  token: string;
  user: string | null;
  name: string | null;
  reportedUrl: string | null;
}

function disabled(id: string, team: string | null, record: JsonObject): GatewayEvent<'webhook.disabled'> {
  const host = URL.parse(textIn(record, 'url') ?? '')?.host ?? '';
  const because = textIn(record, 'disabled_because') ?? '';
  return { type: 'webhook.disabled', team, data: { webhook: id, host, because } };
}

function leaked({ team, reportedUrl, ...whose }: Leaked): GatewayEvent<'token.leaked'> {
  return { type: 'token.leaked', team, data: { ...whose, reported_url: reportedUrl } };
}

function textIn(record: JsonObject, field: string): string | null {
  const value = record[field];
  return typeof value === 'string' ? value : null;
}

function textsIn(record: JsonObject, field: string): string[] | null {
  const value = record[field];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : null;
}
