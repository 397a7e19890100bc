import type { Admission } from '../limits/admission.ts';
import type { LimitState } from '../limits/grant.ts';
import { remaining, resetsAt } from '../limits/limit-status.ts';
import { used } from '../limits/window.ts';
import type { Identity } from '../identity/records/identity.ts';
import { okJson, type DocumentedOperation } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import { meResponse } from './self-response.ts';
import type { Session } from '../identity/records/session.ts';
import type { Answers } from '../edge/answers.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Call } from '../edge/call.ts';

export interface SelfServiceParts {
  frontDoor: FrontDoor;
  answers: Answers;
  admission: Admission;
}

export const meDocs: DocumentedOperation = {
  docs: {
    summary: 'Tell whose token this is and what is left of its limits',
    details: 'A session is told of itself and its own limits only.',
    answer: okJson(meResponse),
  },
  access: 'session or user',
};

/** What a token may ask about itself: always fresh, neither counted nor in the ledger (contract 1.4). */
export class SelfService {
  readonly #parts: SelfServiceParts;

  constructor(parts: SelfServiceParts) {
    this.#parts = parts;
  }

  /** `GET /v1/me`: the token, its user and team, and every limit on them; of a session itself and its own limits. */
  async me(call: Call): Promise<void> {
    const { frontDoor, answers, admission } = this.#parts;
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    const { identity, limits } = caller.principal;
    const told = limits.filter(({ scope }) => identity.session === null || scope === 'session');
    const { nowMs, states } = await admission.limits(identity.team.id, told);
    const who = identity.session === null ? holder(identity) : { session: visitor(identity.session) };
    answers.answer(call, { ...who, limits: states.map((state) => limitShown(state, nowMs)) });
  }
}

function holder({ token, user, team }: Identity): object {
  return {
    token: {
      id: token.id,
      name: token.name,
      prefix: token.prefix,
      models: token.models,
      endpoints: token.endpoints,
      origins: token.origins,
      tools: token.tools,
      expires_at: token.expires_at,
      created_at: token.created_at,
    },
    user: { id: user.id, name: user.name, email: user.email },
    team: { id: team.id, name: team.name, models: team.models },
  };
}

/** What a page may know of itself: nothing of the people behind it, and not the pinned values, which are the site's. */
function visitor({ pinned, limits: _limits, ...session }: Session): object {
  const shown = pinned && {
    endpoint: pinned.endpoint,
    fields: Object.keys(pinned.fields),
    allow: pinned.allow,
  };
  return { ...session, pinned: shown };
}

function limitShown(state: LimitState, nowMs: number): object {
  const { limit, scope } = state.scoped;
  const unit = limit.metric === 'cost_usd' ? nanoUsdPerUsd : 1;
  return {
    scope,
    metric: limit.metric,
    window: limit.metric === 'concurrency' ? null : limit.window,
    max: limit.max,
    used: used(state.applied.span, state.counter, nowMs) / unit,
    remaining: remaining(state, nowMs) / unit,
    resets_at: resetsAt(state),
    ...(limit.models ? { models: limit.models } : {}),
    ...(limit.endpoints ? { endpoints: limit.endpoints } : {}),
  };
}
