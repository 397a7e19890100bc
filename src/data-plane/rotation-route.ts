import { rotateToken, type RotateDeps, superseded } from '../identity/operations/rotate-token.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { ChangePace } from '../access/change-pace.ts';
import { actingAs } from '../audit/context.ts';
import { okJson, type OperationDocs, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';
import { defaultOverlapS, ownRotation } from '../identity/schemas/requests.ts';
import type { TokenKey } from '../identity/records/identity.ts';
import { secretEndMs } from '../identity/records/secret.ts';
import { rotatedToken } from '../identity/schemas/responses.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { Call } from '../edge/call.ts';
import type { Route } from '../edge/route.ts';
import { parseSmall } from '../validation/parse-json.ts';

const maxBytes = 1_024;
const perHour = 10;

const docs: OperationDocs = {
  summary: 'Give this token a new secret',
  details: `The old secret works for another overlap_seconds (default: ${defaultOverlapS}). At most ${perHour} times an hour.`,
  body: optionalJsonBody(ownRotation),
  answer: okJson(rotatedToken),
  refusals: ['not_found', 'precondition_failed', 'insufficient_quota'],
};

interface OwnRotationDeps extends RotateDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  auditContextOf: AuditContextOf;
  pace: Pick<ChangePace, 'ofHolder'>;
}

/** `POST /v1/me/rotate`: holders give their own token a new secret, which the answer shows this once. */
export function ownRotationRoute(deps: OwnRotationDeps): Route {
  const { frontDoor, answers, auditContextOf, secrets, pace } = deps;

  async function rotate(call: Call): Promise<Reply> {
    const entering = await frontDoor.authenticate(call, null);
    if (entering instanceof Refusal) return entering;
    if (entering.principal.identity.session) return notForSessions();

    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null || bytes instanceof Refusal) return bytes;
    const asked = parseSmall(bytes, ownRotation);
    if (asked instanceof Refusal) return asked;
    const overlapS = asked.overlap_seconds ?? defaultOverlapS;

    // Only now: the credential may have ended while the body came in.
    const caller = await frontDoor.refresh(entering.principal.credential);
    if (caller instanceof Refusal) return caller;
    const { identity, credential } = caller.principal;
    // Before it is counted: the holder of an old secret must not use up the rotations of the newest.
    if (secretEndMs(identity, credential) !== Infinity) return superseded();

    const key: TokenKey = { kind: 'token', team: identity.team.id, id: identity.token.id };
    const { ok, freeAtMs, nowMs } = await secrets.countRotation(key, perHour);
    if (!ok) return tooOften(freeAtMs, nowMs);
    const tooMany = await pace.ofHolder(key.team);
    if (tooMany) return tooMany;
    const by = credential.secretHash;
    const rotated = await actingAs(auditContextOf(key.id, call.asking), () =>
      rotateToken(deps, key, { overlapS, by }),
    );
    if (rotated instanceof Refusal) return rotated;
    const { record, text, oldExpiresAt } = rotated;
    const body = { id: record.id, token: text, prefix: record.prefix, old_expires_at: oldExpiresAt };
    return { status: 200, body };
  }

  return {
    path: '/v1/me/rotate',
    methods: { POST: { docs, access: 'user', handle: answers.replying(rotate) } },
  };
}

function notForSessions(): Refusal {
  const message = "A session cannot rotate a token: use the user's token it was made with.";
  return new Refusal('role_not_allowed', message);
}

function tooOften(freeAtMs: number, nowMs: number): Refusal {
  const afterS = secondsUntil(freeAtMs, nowMs);
  const resets_at = new Date(freeAtMs).toISOString();
  const limit = { scope: 'token', metric: 'rotations', window: 'hour', max: perHour, resets_at };
  const message = `A holder rotates a token at most ${perHour} times an hour. Try again in ${afterS} s.`;
  return new Refusal('rate_limit_exceeded', message, { limit, headers: retryAfter(afterS) });
}
