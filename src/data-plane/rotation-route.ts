import { rotateToken, type RotateDeps, superseded } from '../identity/operations/rotate-token.ts';
import type { Answers } from '../edge/answers.ts';
import { actingAs } from '../audit/context.ts';
import { check, type Checked } from '../base/check.ts';
import { type DocumentedOperation, okJson, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { defaultOverlapS, ownRotation } from '../identity/schemas/requests.ts';
import type { TokenKey } from '../identity/records/identity.ts';
import { secretEndMs } from '../identity/records/secret.ts';
import { rotatedToken } from '../identity/schemas/responses.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { Call } from '../edge/call.ts';
import { parseJson } from '../validation/parse-json.ts';

const maxBytes = 1_024;
const perHour = 10;

export const ownRotationDocs: DocumentedOperation = {
  docs: {
    summary: 'Give this token a new secret',
    details: `The old one works until overlap_seconds are over (${defaultOverlapS} where nothing is said). At most ${perHour} times an hour.`,
    body: optionalJsonBody(ownRotation),
    answer: okJson(rotatedToken),
    refusals: ['not_found', 'precondition_failed'],
  },
  access: 'user',
};

export interface RotationParts extends RotateDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  auditContextOf: AuditContextOf;
}

/** `POST /v1/me/rotate`: holders give their own token a new secret. */
export class RotationRoute {
  readonly #parts: RotationParts;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /** Answers with the new text, shown this once, and when the old one ends. */
  async rotate(call: Call): Promise<void> {
    const { frontDoor, answers } = this.#parts;
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    const { identity, credential } = caller.principal;
    if (identity.session) return answers.refuse(call, notForSessions());
    // Before it is counted: who holds an old secret must not use up what the newest may.
    if (secretEndMs(identity, credential) !== Infinity) return answers.refuse(call, superseded());

    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null) return answers.leftEarly(call);
    const overlapS = bytes instanceof Refusal ? bytes : overlapIn(bytes);
    if (overlapS instanceof Refusal) return answers.refuse(call, overlapS);

    const key: TokenKey = { kind: 'token', team: identity.team.id, id: identity.token.id };
    const tooMany = await this.#count(key);
    if (tooMany) return answers.refuse(call, tooMany);
    const by = credential.secretHash;
    const rotated = await actingAs(this.#parts.auditContextOf(key.id, call.asking), () =>
      rotateToken(this.#parts, key, { overlapS, by }),
    );
    if (rotated instanceof Refusal) return answers.refuse(call, rotated);
    const { record, text, oldExpiresAt } = rotated;
    answers.answer(call, { id: record.id, token: text, prefix: record.prefix, old_expires_at: oldExpiresAt });
  }

  async #count(key: TokenKey): Promise<Refusal | null> {
    const { ok, freeAtMs, nowMs } = await this.#parts.secrets.countRotation(key, perHour);
    return ok ? null : tooOften(freeAtMs, nowMs);
  }
}

/** Nothing at all asks for a rotation with the default. */
function overlapIn(bytes: Buffer): number | Refusal {
  const value = bytes.length === 0 ? {} : parseJson(bytes);
  if (value instanceof Refusal) return value;
  const checked: Checked<{ overlap_seconds?: number | null | undefined }> = check(ownRotation, value);
  return checked.ok ? (checked.value.overlap_seconds ?? defaultOverlapS) : checked.refusal;
}

function notForSessions(): Refusal {
  const message = "A session cannot rotate a token: use the user's token it was made with.";
  return new Refusal('role_not_allowed', message);
}

function tooOften(freeAtMs: number, nowMs: number): Refusal {
  const afterS = Math.max(1, Math.ceil((freeAtMs - nowMs) / 1000));
  const headers: Record<string, string> = { 'retry-after': String(afterS) };
  // SDKs obey Retry-After without a cap.
  if (afterS > 60) headers['x-should-retry'] = 'false';
  const resets_at = new Date(freeAtMs).toISOString();
  const limit = { scope: 'token', metric: 'rotations', window: 'hour', max: perHour, resets_at };
  const message = `A holder rotates a token at most ${perHour} times an hour. Try again in ${afterS} s.`;
  return new Refusal('rate_limit_exceeded', message, { limit, headers });
}
