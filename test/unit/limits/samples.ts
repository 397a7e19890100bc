import { applied, type Grant, type LimitState } from '../../../src/limits/grant.ts';
import type { OpenRequest } from '../../../src/limits/open-record.ts';
import { type Counter, emptyCounter } from '../../../src/limits/window.ts';
import type { Principal, ScopedLimit } from '../../../src/identity/records/identity.ts';
import type { Limit, Scope } from '../../../src/base/limit.ts';
import { noCharge, type Charge, type ForwardOutcome } from '../../../src/base/outcome.ts';
import { credentialFor, identityOf } from '../access/identities.ts';

export const chatPath = '/v1/chat/completions';

/** A limit of a scope; its id tells what it is. */
export function scoped(limit: Limit, scope: Scope = 'team'): ScopedLimit {
  const window = limit.metric === 'concurrency' ? '' : `-${limit.window}`;
  return { scope, limit: { ...limit, id: `${scope}-${limit.metric}${window}` } };
}

export const oneRequest: Charge = { ...noCharge, requests: 1 };

/** A limit that a request reserving `reserved` is checked against, as the store holds it. */
export function stateOf(
  limit: Limit,
  { scope = 'team', reserved = oneRequest, counter = emptyCounter }: StateOptions = {},
): LimitState {
  const of = scoped(limit, scope);
  return { scoped: of, applied: applied(of, reserved), counter };
}

interface StateOptions {
  scope?: Scope;
  reserved?: Charge;
  counter?: Counter;
}

/** A chat request of acme's ana that reserves 10 + 90 tokens. */
export function openRequest(more: Partial<OpenRequest> = {}): OpenRequest {
  return {
    requestId: 'a-request-id-of-the-caller',
    team: 'acme',
    user: 'ana',
    tokenId: 'tok_1',
    sessionId: null,
    endUser: null,
    nanoUsd: null,
    endpoint: chatPath,
    model: 'claude-4-sonnet',
    modelKnown: true,
    stream: false,
    ...noCharge,
    requests: 1,
    inputTokens: 10,
    outputTokens: 90,
    slots: [],
    tags: '',
    held: '',
    keyed: '',
    ...more,
  };
}

export function grantOf(more: Partial<Grant> = {}): Grant {
  return {
    id: 'p1-0',
    incarnation: 'memory',
    admittedAtMs: Date.UTC(2026, 0, 31, 12, 0, 0),
    limits: [],
    attempts: [],
    request: openRequest(),
    price: null,
    key: null,
    ...more,
  };
}

/** A request that was answered with 12 + 34 tokens. */
export function outcomeOf(more: Partial<ForwardOutcome> = {}): ForwardOutcome {
  return {
    ending: 'answered',
    status: 200,
    outcome: 'ok',
    errorCode: null,
    usage: { inputTokens: 12, outputTokens: 34 },
    unreportedTokens: 30,
    accepted: true,
    upstream: { status: 200, headMs: 10 },
    sentTo: null,
    durationMs: 120.4,
    ttfbMs: 80.6,
    ...more,
  };
}

/** Acme's ana with these limits, at the epoch `epoch-1`. */
export function principalWith(limits: readonly ScopedLimit[], more: Partial<Principal> = {}): Principal {
  return {
    identity: identityOf(),
    credential: credentialFor('hash'),
    endUser: null,
    policy: { models: null, endpoints: null, tools: [] },
    tags: { fixed: '', perRequest: [], inLimits: limits.some(({ limit }) => limit.tags !== undefined) },
    attempts: [],
    proof: null,
    limits,
    expiresAtMs: Infinity,
    ...more,
  };
}
