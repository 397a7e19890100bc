import { z } from 'zod';
import type { Authenticated } from '../access/authenticator.ts';
import { whileStale } from '../access/while-stale.ts';
import { createdJson, noContent, type OperationDocs, optionalJsonBody } from '../base/operation-docs.ts';
import { checkQuery } from '../base/query.ts';
import { invalidBody, Refusal } from '../base/refusal.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import type { Session } from '../identity/records/session.ts';
import type { SessionStore } from './session-store.ts';
import { storeUnavailable } from '../limits/decision.ts';
import { parseSmall } from '../validation/parse-json.ts';
import type { MintedSession, SessionMinter } from './minter.ts';
import { mintedSessionResponse, newSession, type NewSession } from './schema.ts';

/** Enough for a long pinned prompt. Every process keeps sessions in memory, so there is a bound. */
const maxBytes = 32_768;

const endParameters = z.strictObject({
  all: z
    .enum(['true', 'false'], 'must be true or false')
    .exactOptional()
    .meta({ description: "true with a user's token ends all of its sessions. A session ends itself." }),
});

const docs = {
  mint: {
    summary: 'Make a session',
    details: 'Its token is shown only this once. A session can do no more than the token that makes it.',
    body: optionalJsonBody(newSession),
    answer: createdJson(mintedSessionResponse),
    refusals: [
      'model_not_allowed',
      'endpoint_not_allowed',
      'tool_not_allowed',
      'tag_not_allowed',
      'wider_than_parent',
    ],
  },
  end: {
    summary: 'End this session, or all sessions of this token',
    query: endParameters,
    answer: noContent,
    refusals: ['role_not_allowed'],
  },
} satisfies Record<string, OperationDocs>;

export interface SessionRoutesDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  minter: Pick<SessionMinter, 'mint'>;
  sessions: SessionStore;
}

/** `POST` and `DELETE /v1/sessions`: short-lived tokens for pages, made with a user's token. */
export function sessionRoutes({ frontDoor, answers, minter, sessions }: SessionRoutesDeps): Route[] {
  async function mint(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, null);
    if (caller instanceof Refusal) return caller;
    if (caller.principal.identity.session) return noGrandchildren();

    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null || bytes instanceof Refusal) return bytes;
    const asked = parseSmall(bytes, newSession, 'pinned');
    if (asked instanceof Refusal) return asked;

    const minted = await mintCurrent(caller, asked);
    return minted instanceof Refusal ? minted : { status: 201, body: newSessionResponse(minted) };
  }

  /** What would be refused because of a cached parent is tried again with what the store says now. */
  async function mintCurrent(caller: Authenticated, asked: NewSession): Promise<MintedSession | Refusal> {
    const minted = await whileStale(frontDoor, caller, async ({ principal, fresh }) => {
      const tried = await minter.mint(principal, asked);
      return tried !== 'stale' && !fresh && isOfPolicy(tried) ? 'stale' : tried;
    });
    return minted ?? storeUnavailable();
  }

  /** Ends this session; with its parent's token and `?all=true`, all of its sessions. */
  async function end(call: Call): Promise<Reply> {
    // What is cached of a secret that was rotated out must not end the sessions of its successor.
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const { session, team, token } = caller.principal.identity;
    const asked = checkQuery(endParameters, call.incoming.url ?? '');
    if (asked instanceof Refusal) return asked;
    const all = asked.all === 'true';
    if (session === null) {
      if (!all) return allOrNone();
      await sessions.endAll({ team: team.id, token: token.id });
      return { status: 204 };
    }
    if (all) return onlyThis();
    await sessions.end(session.id);
    return { status: 204 };
  }

  return [
    {
      path: '/v1/sessions',
      methods: {
        POST: { docs: docs.mint, access: 'user', handle: answers.replying(mint) },
        DELETE: { docs: docs.end, access: 'session or user', handle: answers.replying(end) },
      },
    },
  ];
}

/** Whether a refusal may rest on what is cached of the parent. Others are the store's word. */
function isOfPolicy(minted: MintedSession | Refusal): boolean {
  return minted instanceof Refusal && minted.status < 429;
}

/** The session with its text, which is shown only this once. */
function newSessionResponse({ record, text, livesS }: MintedSession): object {
  const { id, limits, end_user_limits: _ofIssuer, pinned, ...rest } = record;
  return {
    id,
    token: text,
    expires_in: livesS,
    ...rest,
    pinned: pinnedResponse(pinned),
    limits: limits.map(({ id: _id, ...limit }) => limit),
  };
}

/** As it was asked for. */
function pinnedResponse(pinned: Session['pinned']): object | null {
  return pinned && { endpoint: pinned.endpoint, ...pinned.fields, allow: pinned.allow };
}

function noGrandchildren(): Refusal {
  return new Refusal(
    'role_not_allowed',
    "A session cannot make sessions: use the user's token it was made with.",
  );
}

function onlyThis(): Refusal {
  return new Refusal(
    'role_not_allowed',
    "A session can end only itself: leave out all, or use the user's token it was made with.",
    { param: 'all' },
  );
}

function allOrNone(): Refusal {
  const message = "all: this is a user's token; send ?all=true to end all of its sessions.";
  return invalidBody([{ param: 'all', message }], 'invalid_request');
}
