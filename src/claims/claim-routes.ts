import { z } from 'zod';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { checkEndpoint, checkOrigin } from '../access/policy.ts';
import { time } from '../base/fields.ts';
import { methodNotAllowed } from '../base/no-route.ts';
import type { DocumentedOperation } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answers, TextReply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { Route } from '../edge/route.ts';
import { credentialOf } from '../identity/records/token-text.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { ServedModels } from '../models/served-models.ts';
import { endpoints } from '../validation/registry.ts';
import { claimedToken, type ClaimLinks } from './claim-links.ts';
import { claimHeaders, refusedPage, tokenPage, waitingPage } from './claim-page.ts';
import type { TokenUse } from './first-calls.ts';

export interface ClaimDeps {
  links: ClaimLinks;
  answers: Answers;
  /** The gateway's address as a request's Host names it. */
  origin: (host: string | undefined) => string;
  /** Limits guesses by client address. */
  throttle: AuthThrottle;
  authenticator: Authenticator;
  served: ServedModels;
}

/** The same answer twice: a page for people, an object for programs. */
interface Answer {
  page: string;
  value: object;
}

const prefix = '/claim/';
/** What logs and metrics get for a path: the code is a secret. */
const loggedPath = '/claim/:code';

const text = z.string();
const waitingResponse = z.object({ expires_at: time, next: text });
const claimedResponse = claimedToken.meta({ id: 'ClaimedToken' });

/** `GET` and `HEAD /claim/:code` say that a token waits, `POST` shows it, once. */
export function claimRoute(deps: ClaimDeps): Route {
  const { links, answers, throttle } = deps;

  async function handle(call: Call): Promise<void> {
    call.loggedPath = loggedPath;
    const lookUp = lookUpFor(call);
    const found = lookUp instanceof Refusal ? lookUp : () => throttle.guard(call.sender, lookUp);
    const answer =
      found instanceof Refusal ? found : await found().catch((error: unknown) => answers.refusalFor(error));
    answers.reply(call, replyWith(call, answer));
  }

  function lookUpFor({
    path,
    incoming: { method, headers },
  }: Call): (() => Promise<Answer | Refusal>) | Refusal {
    const code = path.slice(prefix.length);
    switch (method) {
      case 'GET':
      case 'HEAD':
        return () => waiting(links, code);
      case 'POST':
        return () => claimed(deps, code, headers.host);
      default:
        return methodNotAllowed('/claim/…', ['GET', 'POST']); // what follows is the secret
    }
  }

  return {
    // Not `{.*}`: for a path that may match nothing, Hono gives up its one regular expression and searches a tree for
    // every request of the gateway.
    path: `${loggedPath}{.+}`,
    methods: {
      GET: { ...docsOf('Say whether a token waits', waitingResponse), handle },
      POST: { ...docsOf('Show the token, once', claimedResponse), handle },
    },
    otherwise: handle,
  };
}

function docsOf(summary: string, shape: z.ZodType): DocumentedOperation {
  return {
    docs: {
      summary,
      details: 'If Accept has text/html, the answer is a page, also of errors.',
      query: 'ignored', // mail programs add theirs to links
      answer: { status: 200, content: { 'application/json': shape, 'text/html': text } },
      refusals: ['not_found', 'already_claimed', 'rate_limit_exceeded', 'store_unavailable'],
    },
    access: 'anyone',
  };
}

/** A page if the caller asks for one, else JSON. */
function replyWith({ requestId, incoming }: Call, answer: Answer | Refusal): TextReply {
  const refusal = answer instanceof Refusal ? answer : null;
  const { page, value } =
    answer instanceof Refusal ? { page: refusedPage(answer.message), value: answer.body(requestId) } : answer;
  const wantsPage = incoming.headers.accept?.includes('text/html') ?? false;
  return {
    status: refusal?.status ?? 200,
    text: wantsPage ? page : JSON.stringify(value),
    headers: {
      ...claimHeaders,
      ...refusal?.headers,
      'content-type': wantsPage ? 'text/html; charset=UTF-8' : 'application/json',
    },
    code: refusal?.code ?? null,
  };
}

async function waiting(links: ClaimLinks, code: string): Promise<Answer | Refusal> {
  const expiresAtMs = await links.look(code);
  if (expiresAtMs instanceof Refusal) return expiresAtMs;
  const value = { expires_at: new Date(expiresAtMs).toISOString(), next: 'POST here: shows the token, once' };
  return { page: waitingPage(expiresAtMs), value };
}

async function claimed(deps: ClaimDeps, code: string, host: string | undefined): Promise<Answer | Refusal> {
  const token = await deps.links.open(code);
  if (token instanceof Refusal) return token;
  const use = await useOf(deps, token.token);
  return { page: tokenPage(token, { origin: deps.origin(host), use }), value: token };
}

/** What the token may use, or why that cannot be told. Never rejects: the link is used up, so the token must be shown. */
async function useOf(
  { authenticator, served, answers }: ClaimDeps,
  token: string,
): Promise<TokenUse | Refusal> {
  const known = await authenticator
    .refresh(credentialOf(token))
    .catch((error: unknown) => answers.refusalFor(error));
  if (known instanceof Refusal) return known;
  const { principal } = known;
  return {
    models: served.usableBy(principal),
    endpoints: endpoints.filter((each) => checkEndpoint(principal, each) === null).map(({ path }) => path),
    onlyFrom: checkOrigin(principal, undefined, []) === null ? null : originsOf(principal),
  };
}

function originsOf({ identity: { token, team } }: Principal): readonly string[] {
  const bound = team.origins ?? null;
  return (token.origins ?? bound ?? []).filter((origin) => bound?.includes(origin) ?? true);
}
