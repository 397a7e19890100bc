import type { AuthThrottle } from '../access/auth-throttle.ts';
import { actingAs, type AuditContextOf } from '../audit/context.ts';
import { jsonBody, okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal, restarting } from '../base/refusal.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { inspectToken } from '../identity/records/token-text.ts';
import {
  type Find,
  type Label,
  leakReport,
  leakVerdicts,
  readFinds,
  reportedUrl,
  verdictOn,
} from './leak-report.ts';
import { endLeaked, type LeakedCredentialDeps, leakedCredential } from './leaked-credential.ts';

/** Some 500 finds. */
const maxBytes = 262_144;

const docs: OperationDocs = {
  summary: 'Report a leaked token, and have it revoked',
  details:
    "For secret scanners and anybody: whoever has the whole text of a token needs no other credential. What works is ended at once: a user's token (`tgk_`), an administrator's (`tga_`), a session (`tgs_`). The body is a list, as GitHub's secret scanning partner program sends it, or one object; the answer is always a list.",
  query: 'ignored', // a scanner's address of this route may have one
  body: jsonBody(leakReport),
  answer: okJson(leakVerdicts),
  refusals: ['rate_limit_exceeded', 'store_unavailable', 'overloaded'],
};

export interface LeakDeps extends Omit<LeakedCredentialDeps, 'sessions'> {
  sessions: SessionStore;
  frontDoor: Pick<FrontDoor, 'body'>;
  answers: Answers;
  /** Unknown texts count as refused credentials do everywhere: sending them is guessing. */
  throttle: AuthThrottle;
  auditContextOf: AuditContextOf;
  draining: () => boolean;
}

/** `POST /leaks`: whoever presents the text of a token ends it. */
export function leakRoute(deps: LeakDeps): Route {
  async function report(call: Call): Promise<Reply> {
    if (deps.draining()) return restarting();
    const bytes = await deps.frontDoor.body(call, maxBytes);
    if (bytes === null || bytes instanceof Refusal) return bytes;
    const finds = readFinds(bytes);
    if (finds instanceof Refusal) return finds;
    const labels = await labelsOf(call, finds);
    if (labels instanceof Refusal) return labels;
    return {
      status: 200,
      body: finds.map((find) => verdictOn(find, labels.get(find.token) ?? 'false_positive')),
    };
  }

  /** Of each text that was found. One that cannot be handled now keeps none of the others. */
  async function labelsOf(call: Call, finds: readonly Find[]): Promise<Map<string, Label> | Refusal> {
    const labels = new Map<string, Label>();
    let refusal: Refusal | null = null;
    let isAnyMistyped = false;
    for (const { token, url } of finds) {
      if (labels.has(token)) continue;
      labels.set(token, 'false_positive');
      if (!inspectToken(token).ok) {
        isAnyMistyped = true;
        continue;
      }
      const ended = await end(call, token, reportedUrl(url));
      if (ended === null) labels.set(token, 'true_positive');
      else if (ended.code !== 'invalid_token') refusal ??= ended;
    }
    // Once: anybody can check a checksum, so a scanner's false finds are no guesses.
    const mistyped = isAnyMistyped ? unlessUnknown(deps.throttle.count(call.sender, unknown())) : null;
    return refusal ?? mistyped ?? labels;
  }

  /** Ends what a text stands for; `invalid_token` if that is nothing. */
  async function end(call: Call, text: string, url: string | null): Promise<Refusal | null> {
    const found = await deps.throttle.guard(
      call.sender,
      async () => (await leakedCredential(deps, text)) ?? unknown(),
    );
    if (found instanceof Refusal) return found;
    const context = { ...deps.auditContextOf('leak-report', call.asking), reportedUrl: url };
    return actingAs(context, () => endLeaked(deps, found));
  }

  return {
    path: '/leaks',
    methods: { POST: { docs, access: 'anyone', handle: deps.answers.replying(report) } },
  };
}

function unknown(): Refusal {
  return new Refusal('invalid_token', 'This token is not known here.');
}

function unlessUnknown(refusal: Refusal): Refusal | null {
  return refusal.code === 'invalid_token' ? null : refusal;
}
