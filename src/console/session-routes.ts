import { z } from 'zod';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import { time } from '../base/fields.ts';
import { okJson, okList, jsonBody, type OperationDocs, noContent } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answers, Reply, TextReply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { parseSmall } from '../validation/parse-json.ts';
import type { ConsoleSessions, SignedIn, Visitor } from './console-sessions.ts';
import type { ConsoleLinks } from './links.ts';
import { type ConsoleSessionStore, longestIdleMs } from './session-store.ts';

const maxBytes = 4_096;

const text = z.string();

/** Who is signed in, as the pages need it: the API itself decides what each may do. */
const sessionResponse = z.object({
  kind: z.enum(['root', 'administrator', 'token']),
  /** `root`, `adm_…`, `oidc-…` or `tok_…` */
  id: text,
  name: text.nullable(),
  role: z.enum(['root', 'admin', 'team-admin', 'auditor', 'holder']),
  /** The teams that an administrator is limited to; null: none. */
  teams: z.array(text).nullable(),
  team: text.nullable(),
  user: text.nullable(),
  opened_at: time,
  ends_at: time,
  idle_s: z.int(),
});
export type SessionResponse = z.infer<typeof sessionResponse>;

const stateResponse = z.object({ session: sessionResponse.nullable() });

const signInBody = z.union(
  [
    z.strictObject({
      credential: text.min(1, 'must not be empty').max(512, 'must have at most 512 characters'),
    }),
    z.strictObject({ code: text.regex(/^[0-9a-f]{40}$/, 'must be the code of a link') }),
  ],
  'must be {"credential": "…"}: ADMIN_KEY or a token',
);

const listed = z.object({
  id: text,
  browser: text,
  opened_at: time,
  used_at: time,
  ends_at: time,
  is_this: z.boolean(),
});

const docs = {
  read: { summary: 'Say who is signed in to the console', answer: okJson(stateResponse) },
  open: {
    summary: 'Sign in to the console',
    body: jsonBody(signInBody),
    answer: okJson(stateResponse),
    refusals: ['invalid_token', 'expired_token', 'revoked_token', 'role_not_allowed', 'suspended'],
  },
  end: { summary: 'Sign out of the console', answer: okJson(stateResponse) },
  list: { summary: "List one's sessions of the console", answer: okList(listed) },
  endOne: { summary: "End one of one's sessions of the console", answer: noContent },
} satisfies Record<string, OperationDocs>;

export interface ConsoleSessionRoutesDeps {
  sessions: ConsoleSessions;
  store: Pick<ConsoleSessionStore, 'list' | 'end'>;
  links: Pick<ConsoleLinks, 'take'>;
  /** Limits guesses by client address. */
  throttle: Pick<AuthThrottle, 'guard'>;
  frontDoor: Pick<FrontDoor, 'body'>;
  answers: Answers;
}

/** `/console/api/session`: sign in, out, and who is signed in. `/console/api/sessions`: where else one is. */
export function consoleSessionRoutes(deps: ConsoleSessionRoutesDeps): Route[] {
  const { sessions, store, links, throttle, frontDoor, answers } = deps;

  async function read(call: Call): Promise<Reply> {
    const visitor = await sessions.visitor(call.incoming.headers, call.sender);
    if (!(visitor instanceof Refusal)) return stateReply(sessionOf(visitor));
    return visitor.status === 401 ? stateReply(null) : visitor;
  }

  async function signIn(call: Call): Promise<Reply> {
    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null || bytes instanceof Refusal) return bytes;
    const asked = parseSmall(bytes, signInBody);
    if (asked instanceof Refusal) return asked;
    const signedIn =
      'code' in asked ? await byLink(call, asked.code) : await byCredential(call, asked.credential);
    if (signedIn instanceof Refusal) return signedIn;
    return stateReply(sessionOf(signedIn.visitor), signedIn.setCookie);
  }

  function byCredential(call: Call, credential: string): Promise<SignedIn | Refusal> {
    return sessions.signIn(credential.trim(), call.incoming.headers, call.sender);
  }

  async function byLink(call: Call, code: string): Promise<SignedIn | Refusal> {
    return throttle.guard(call.sender, async () => {
      const holder = await links.take(code);
      return holder === null ? usedLink() : sessions.open(holder, call.incoming.headers);
    });
  }

  async function signOut(call: Call): Promise<Reply> {
    return stateReply(null, await sessions.signOut(call.incoming.headers));
  }

  async function list(call: Call): Promise<Reply> {
    const visitor = await sessions.visitor(call.incoming.headers, call.sender);
    if (visitor instanceof Refusal) return visitor;
    const all = await store.list(visitor.session.holder);
    const data = all.map(({ id, browser, openedAtMs, usedAtMs, endsAtMs }) => ({
      id,
      browser,
      opened_at: timeOf(openedAtMs),
      used_at: timeOf(usedAtMs),
      ends_at: timeOf(endsAtMs),
      is_this: id === visitor.secretHash,
    }));
    return { status: 200, body: { data } };
  }

  async function endOne(call: Call): Promise<Reply> {
    const visitor = await sessions.visitor(call.incoming.headers, call.sender);
    if (visitor instanceof Refusal) return visitor;
    const id = call.path.slice(sessionsPath.length + 1);
    if (await store.end(id, visitor.session.holder)) return { status: 204 };
    return new Refusal('not_found', 'You have no such session: it may have ended already.');
  }

  const operation = (of: OperationDocs, work: Parameters<Answers['replying']>[0]) =>
    ({ docs: of, access: 'anyone', handle: answers.replying(work) }) as const;
  return [
    {
      path: '/console/api/session',
      methods: {
        GET: operation(docs.read, read),
        POST: operation(docs.open, signIn),
        DELETE: operation(docs.end, signOut),
      },
    },
    { path: sessionsPath, methods: { GET: operation(docs.list, list) } },
    { path: `${sessionsPath}/:id`, methods: { DELETE: operation(docs.endOne, endOne) } },
  ];
}

const sessionsPath = '/console/api/sessions';

/** Who a visitor is, as the pages show it. */
export function sessionOf({ who, session: { openedAtMs, endsAtMs } }: Visitor): SessionResponse {
  const times = {
    opened_at: timeOf(openedAtMs),
    ends_at: timeOf(endsAtMs),
    idle_s: longestIdleMs / 1000,
  };
  if (who.kind === 'token') {
    const { token, user } = who.caller.principal.identity;
    const { id, team } = token;
    return { kind: 'token', id, name: user.name, role: 'holder', teams: null, team, user: user.id, ...times };
  }
  const none = { team: null, user: null };
  const { actor, name } = who;
  if (actor.kind === 'root') {
    return { kind: 'root', id: 'root', name: null, role: 'root', teams: null, ...none, ...times };
  }
  const { id, role, teams } = actor;
  return { kind: 'administrator', id, name, role, teams: teams && [...teams], ...none, ...times };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function stateReply(session: SessionResponse | null, setCookie?: string): TextReply {
  return {
    status: 200,
    text: JSON.stringify({ session }),
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(setCookie === undefined ? {} : { 'set-cookie': setCookie }),
    },
  };
}

function usedLink(): Refusal {
  const message =
    'This link was used already, or is older than an hour. Make a new one with: tollgate console';
  return new Refusal('invalid_token', message);
}
