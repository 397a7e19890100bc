import { type OperationDocs, okJson, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { defaultOverlapS, rotation } from '../identity/records/rotation.ts';
import { issuedToken } from '../identity/records/responses.ts';
import type { AdminDeps } from './deps.ts';
import { etagOf } from '../identity/operations/precondition.ts';
import { readOptionalBody } from './read-body.ts';
import { needing, teamIn, type AdminContext, type Route } from './respond.ts';
import { rotateToken } from '../identity/operations/rotate-token.ts';
import { tokenResponses } from '../identity/records/token-response.ts';
import type { IssuedToken } from '../identity/operations/tokens.ts';

/** How a token just made reaches its holder. */
export interface HandOver {
  /** By a link that shows it once, instead of in the answer. */
  claim: boolean;
  /** The Host that was asked. */
  host: string | undefined;
}

const rotationDocs: OperationDocs = {
  summary: 'Give a token a new secret',
  details: `The old one works until overlap_seconds are over (${defaultOverlapS} where nothing is said).`,
  body: optionalJsonBody(rotation),
  answer: okJson(issuedToken),
  etag: 'asked',
};

/** A token gets a new secret under the same id. */
export function rotationRoute(deps: AdminDeps): Route {
  return {
    path: '/admin/teams/:team/tokens/:id/rotate',
    methods: {
      POST: needing('change-members', rotationDocs, async (c) => {
        const asked = await readOptionalBody(c, rotation);
        if (!asked.ok) return asked.refusal;
        const at = { team: teamIn(c), id: c.req.param('id') ?? '' };
        const overlapS = asked.value.overlap_seconds ?? defaultOverlapS;
        const rotated = await rotateToken(deps, at, { overlapS, precondition: c.get('precondition') });
        if (rotated instanceof Refusal) return rotated;
        const shown = await handOver(deps, rotated, handOverIn(c, asked.value));
        return { status: 200, body: shown, etag: etagOf(rotated.record) };
      }),
    },
  };
}

export function handOverIn(c: AdminContext, { claim }: { claim?: boolean | null | undefined }): HandOver {
  return { claim: claim ?? false, host: c.req.header('host') };
}

/** A token with its text, the only time it is shown, or with the link that shows it once. */
export async function handOver(
  deps: Pick<AdminDeps, 'claims' | 'lastUses'>,
  { record, text }: IssuedToken,
  { claim, host }: HandOver,
): Promise<object> {
  const { id, team, user } = record;
  const [shown = {}] = await tokenResponses(deps, team, [record]);
  if (!claim) return { id, token: text, ...shown };
  const { url, expiresAtMs } = await deps.claims.make({ id, token: text, team, user }, host);
  return { id, claim_url: url, claim_expires_at: new Date(expiresAtMs).toISOString(), ...shown };
}
