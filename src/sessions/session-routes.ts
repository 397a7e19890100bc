import { z } from 'zod';
import type { Answers } from '../edge/answers.ts';
import { storeUnavailable } from '../limits/admission.ts';
import type { Authenticated, Authenticator } from '../access/authenticator.ts';
import { check, type Checked } from '../base/check.ts';
import {
  createdJson,
  type DocumentedOperation,
  noContent,
  optionalJsonBody,
} from '../base/operation-docs.ts';
import { invalidBody, Refusal } from '../base/refusal.ts';
import { mintedSession } from './schema.ts';
import type { Session } from '../identity/records/session.ts';
import type { SessionStore } from './session-store.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Call } from '../edge/call.ts';
import type { MintedSession, SessionMinter } from './minter.ts';
import type { NewSession, sessionSchemas } from './schema.ts';
import { parseJson } from '../validation/parse-json.ts';

/** A long pinned prompt; sessions are kept in every process's memory, so not any length. */
const maxBytes = 32_768;
/** How often a session is tried again because its parent's team changed meanwhile. */
const maxReadings = 3;

export interface SessionRoutesParts {
  frontDoor: FrontDoor;
  answers: Answers;
  authenticator: Authenticator;
  minter: SessionMinter;
  sessions: SessionStore;
  schema: ReturnType<typeof sessionSchemas>['newSession'];
}

export const endSessionDocs: DocumentedOperation = {
  docs: {
    summary: 'End this session, or all sessions of this token',
    query: z.object({
      all: z
        .enum(['true', 'false'])
        .exactOptional()
        .meta({ description: "true with a user's token: all of its sessions. A session ends itself." }),
    }),
    answer: noContent,
    refusals: ['role_not_allowed'],
  },
  access: 'session or user',
};

/** `POST` and `DELETE /v1/sessions`: short-lived tokens for pages, made with a user's token. */
export class SessionRoutes {
  readonly #parts: SessionRoutesParts;

  constructor(parts: SessionRoutesParts) {
    this.#parts = parts;
  }

  get mintSessionDocs(): DocumentedOperation {
    return {
      docs: {
        summary: 'Make a session',
        details: 'Its token is shown this once. It can do no more than the token that makes it.',
        body: optionalJsonBody(this.#parts.schema),
        answer: createdJson(mintedSession),
        refusals: ['model_not_allowed', 'endpoint_not_allowed', 'tool_not_allowed', 'wider_than_parent'],
      },
      access: 'user',
    };
  }

  /** Makes a session: 201 with its text, shown this once. */
  async mint(call: Call): Promise<void> {
    const { frontDoor, answers } = this.#parts;
    const caller = await frontDoor.authenticate(call, null);
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    if (caller.principal.identity.session) return answers.refuse(call, noGrandchildren());

    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null) return answers.leftEarly(call);
    const asked = bytes instanceof Refusal ? bytes : this.#asked(bytes);
    if (asked instanceof Refusal) return answers.refuse(call, asked);

    const minted = await this.#mint(caller, asked);
    if (minted instanceof Refusal) return answers.refuse(call, minted);
    answers.answer(call, newSessionResponse(minted), 201);
  }

  /** Ends this session; with its parent's token and `?all=true`, all of its sessions. */
  async end(call: Call): Promise<void> {
    const { frontDoor, answers, sessions } = this.#parts;
    // A cached caller will do: what is dead already does no harm by ending.
    const caller = await frontDoor.authenticate(call, null);
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    const { session, team, token } = caller.principal.identity;
    const all = wantsAll(call);
    if (all instanceof Refusal) return answers.refuse(call, all);
    if (session !== null && !all) {
      const refusal = (await sessions.end(session.id)) ? null : await this.#gone(caller);
      if (refusal) return answers.refuse(call, refusal);
    } else if (session !== null) return answers.refuse(call, onlyThis());
    else if (all) await sessions.endAll({ team: team.id, token: token.id });
    else return answers.refuse(call, allOrNone());
    answers.done(call);
  }

  /** Why a session that was cached is not there any more. */
  async #gone({ principal }: Authenticated): Promise<Refusal | null> {
    const found = await this.#parts.authenticator.refresh(principal.credential);
    return found instanceof Refusal ? found : null;
  }

  #asked(bytes: Buffer): NewSession | Refusal {
    // Nothing at all asks for a session with every default.
    const value = bytes.length === 0 ? {} : parseJson(bytes);
    if (value instanceof Refusal) return value;
    const checked: Checked<NewSession> = check(this.#parts.schema, value);
    return checked.ok ? checked.value : checked.refusal;
  }

  /** What a cached parent would be refused is asked again of the store, and so is a parent that has changed. */
  async #mint(caller: Authenticated, asked: NewSession): Promise<MintedSession | Refusal> {
    const { minter, authenticator } = this.#parts;
    let current: Authenticated | Refusal = caller;
    for (let reading = 0; reading < maxReadings; reading += 1) {
      const minted: MintedSession | Refusal | 'stale' = await minter.mint(current.principal, asked);
      if (minted !== 'stale' && (current.fresh || !isOfPolicy(minted))) return minted;
      current = await authenticator.refresh(current.principal.credential);
      if (current instanceof Refusal) return current;
    }
    return storeUnavailable();
  }
}

/** Whether a refusal rests on what is cached of the parent, or needs the store to say why; others are its own word. */
function isOfPolicy(minted: MintedSession | Refusal): boolean {
  return minted instanceof Refusal && minted.status < 429;
}

/** What is shown of a session, its text first and this once. */
function newSessionResponse({ record, text, livesS }: MintedSession): object {
  const { id, limits, pinned, ...rest } = record;
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

function wantsAll({ incoming }: Call): boolean | Refusal {
  const { searchParams } = new URL(incoming.url ?? '', 'http://gateway.invalid');
  const [all, ...more] = searchParams.getAll('all');
  if (all === undefined) return false;
  if (more.length === 0 && (all === 'true' || all === 'false')) return all === 'true';
  return invalidBody(
    [{ param: 'all', message: 'all must be true or false, and given once.' }],
    'invalid_request',
  );
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
