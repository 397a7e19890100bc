import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Answers } from '../edge/answers.ts';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import { forwardedAddress } from '../base/client-address.ts';
import type { ClaimLinks } from './claim-links.ts';
import { claimHeaders, refusedPage, tokenPage, waitingPage } from './claim-page.ts';
import type { Clock } from '../base/clock.ts';
import type { Answer, DocumentedOperation, DocumentedRoute } from '../base/operation-docs.ts';
import { methodNotAllowed } from '../base/no-route.ts';
import { Refusal } from '../base/refusal.ts';
import { time } from '../base/fields.ts';
import type { ClaimedToken } from './claim.ts';
import type { Journal } from '../edge/journal.ts';
import type { Env } from '../edge/hono-answers.ts';
import { requestIdOf } from '../edge/call.ts';

export interface ClaimParts {
  links: ClaimLinks;
  answers: Answers;
  journal: Journal;
  clock: Clock;
  /** The gateway's address, by the request's Host. */
  origin: (host: string | undefined) => string;
  /** Limits guesses by client address; null if no router reports addresses. */
  refused: AuthThrottle | null;
}

/** An answer: a page for people, an object for programs. */
interface Shown {
  page: string;
  value: object;
}

const prefix = '/claim/';
/** The code is a secret, so logs and metrics have this path instead. */
const toldPath = '/claim/:code';

const text = z.string();
const claimedToken = z
  .object({ id: text, token: text, team: text, user: text } satisfies Record<keyof ClaimedToken, z.ZodType>)
  .meta({ id: 'ClaimedToken' });

/** The two methods, for the API's description. */
export const claimDocs: DocumentedRoute = {
  path: toldPath,
  methods: {
    GET: claiming('Say that a token waits', z.object({ expires_at: time, next: z.string() })),
    POST: claiming('Show the token, once', claimedToken),
  },
};

/** `GET` and `HEAD /claim/:code` say that a token waits, `POST` shows it, once. */
export function mountClaims(app: Hono<Env>, parts: ClaimParts): void {
  app.all(`${prefix}*`, async (c) => {
    const startedMs = parts.clock.monotonic();
    const requestId = requestIdOf(c.req.header('x-request-id'));
    const result = await resultOf(c, parts).catch((error: unknown) => parts.answers.refusalFor(error));
    const refusal = result instanceof Refusal ? result : null;
    parts.journal.note({
      requestId,
      method: c.req.method,
      path: toldPath,
      status: refusal?.status ?? 200,
      errorCode: refusal?.code ?? null,
      durationMs: parts.clock.monotonic() - startedMs,
      identity: null,
    });
    return answered(c, result, requestId);
  });
}

function claiming(summary: string, shape: z.ZodType): DocumentedOperation {
  const answer: Answer = { status: 200, content: { 'application/json': shape, 'text/html': z.string() } };
  const details = 'If Accept has text/html, the answer is a page, also for errors.';
  const refusals = ['not_found', 'already_claimed', 'rate_limit_exceeded', 'store_unavailable'] as const;
  return { docs: { summary, details, answer, refusals }, access: 'anyone' };
}

/** A page if the request wants one, else JSON. */
function answered(c: Context<Env>, result: Shown | Refusal, requestId: string): Response {
  const refusal = result instanceof Refusal ? result : null;
  const { page, value } =
    result instanceof Refusal ? { page: refusedPage(result.message), value: result.body(requestId) } : result;
  // Every status here has a body.
  const status = (refusal?.status ?? 200) as ContentfulStatusCode;
  const headers = { ...claimHeaders, ...refusal?.headers, 'x-request-id': requestId };
  const wantsPage = c.req.header('accept')?.includes('text/html') ?? false;
  return wantsPage ? c.html(page, status, headers) : c.json(value, status, headers);
}

function resultOf(c: Context<Env>, { links, origin, refused }: ClaimParts): Promise<Shown | Refusal> {
  const code = c.req.path.slice(prefix.length);
  const address = refused && forwardedAddress(c.req.header('x-forwarded-for'));
  const guarded = (lookUp: () => Promise<Shown | Refusal>): Promise<Shown | Refusal> =>
    refused && address !== null ? refused.guard(address, lookUp) : lookUp();
  switch (c.req.method) {
    case 'GET':
    case 'HEAD':
      return guarded(() => waiting(links, code));
    case 'POST':
      return guarded(() => shown(links, code, origin(c.req.header('host'))));
    default:
      return Promise.resolve(methodNotAllowed(toldPath, ['GET', 'POST']));
  }
}

async function waiting(links: ClaimLinks, code: string): Promise<Shown | Refusal> {
  const expiresAtMs = await links.look(code);
  if (expiresAtMs instanceof Refusal) return expiresAtMs;
  const value = { expires_at: new Date(expiresAtMs).toISOString(), next: 'POST here: shows the token, once' };
  return { page: waitingPage(expiresAtMs), value };
}

async function shown(links: ClaimLinks, code: string, origin: string): Promise<Shown | Refusal> {
  const claimed = await links.open(code);
  return claimed instanceof Refusal ? claimed : { page: tokenPage(claimed, origin), value: claimed };
}
