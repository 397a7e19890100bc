import { z } from 'zod';
import { withoutCredentials } from './credential-text.ts';

/**
 * Every error this gateway answers with, in one table: contract 1.5.
 * `docs/errors.md` lists the same codes; a test keeps the two equal.
 */
export const errorTable = {
  invalid_json: { status: 400, type: 'invalid_request_error' },
  invalid_body: { status: 400, type: 'invalid_request_error' },
  invalid_request: { status: 400, type: 'invalid_request_error' },
  unsupported_tool: { status: 400, type: 'invalid_request_error' },
  upstream_blocked: { status: 400, type: 'invalid_request_error' },
  missing_token: { status: 401, type: 'authentication_error' },
  invalid_token: { status: 401, type: 'authentication_error' },
  expired_token: { status: 401, type: 'authentication_error' },
  revoked_token: { status: 401, type: 'authentication_error' },
  invalid_dpop_proof: { status: 401, type: 'authentication_error' },
  use_dpop_nonce: { status: 401, type: 'authentication_error' },
  model_not_allowed: { status: 403, type: 'permission_error' },
  model_unpriced: { status: 403, type: 'permission_error' },
  endpoint_not_allowed: { status: 403, type: 'permission_error' },
  origin_not_allowed: { status: 403, type: 'permission_error' },
  tool_not_allowed: { status: 403, type: 'permission_error' },
  tag_not_allowed: { status: 403, type: 'permission_error' },
  role_not_allowed: { status: 403, type: 'permission_error' },
  field_not_allowed: { status: 403, type: 'permission_error' },
  wider_than_parent: { status: 403, type: 'permission_error' },
  suspended: { status: 403, type: 'permission_error' },
  https_required: { status: 403, type: 'permission_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  already_exists: { status: 409, type: 'invalid_request_error' },
  in_progress: { status: 409, type: 'invalid_request_error' },
  replay_unavailable: { status: 409, type: 'invalid_request_error' },
  already_claimed: { status: 410, type: 'invalid_request_error' },
  precondition_failed: { status: 412, type: 'invalid_request_error' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  expectation_failed: { status: 417, type: 'invalid_request_error' },
  idempotency_key_reused: { status: 422, type: 'invalid_request_error' },
  upgrade_required: { status: 426, type: 'invalid_request_error' },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error' },
  insufficient_quota: { status: 429, type: 'rate_limit_error' },
  upstream_rate_limited: { status: 429, type: 'rate_limit_error' },
  headers_too_large: { status: 431, type: 'invalid_request_error' },
  internal_error: { status: 500, type: 'server_error' },
  not_implemented: { status: 501, type: 'server_error' },
  upstream_auth_failed: { status: 502, type: 'upstream_error' },
  upstream_unreachable: { status: 502, type: 'upstream_error' },
  upstream_error: { status: 502, type: 'upstream_error' },
  upstream_timeout: { status: 504, type: 'upstream_error' },
  store_unavailable: { status: 503, type: 'server_error' },
  overloaded: { status: 503, type: 'server_error' },
} as const satisfies Record<string, { status: number; type: string }>;

export type ErrorCode = keyof typeof errorTable;
export const errorCodes = Object.keys(errorTable) as ErrorCode[]; // its keys are the codes

/** The codes of what goes wrong behind the gateway. */
export const upstreamCodes = errorCodes.filter((code) => code.startsWith('upstream_'));

/** Tells SDKs not to retry by themselves. */
export const noRetry = { 'x-should-retry': 'false' } as const;

/** One problem of a request. */
export interface Problem {
  param: string;
  message: string;
}

/** Whose limit refused a request: `error.limit` of a 429. */
export const refusedLimit = z.object({
  scope: z.string(),
  metric: z.string(),
  window: z.string().nullable(),
  max: z.number(),
  resets_at: z.string().nullable().meta({ format: 'date-time' }),
  raised_by: z.number().exactOptional().meta({ description: 'What raises add to max now.' }),
  raised_until: z
    .string()
    .exactOptional()
    .meta({ format: 'date-time', description: 'When the first of them ends.' }),
});

/** How many problems are listed besides the first one: contract 1.4. */
const maxDetails = 50;

/** Who was refused. */
export interface RefusedCaller {
  team: string;
  user: string;
  token: string;
}

interface RefusalDetails {
  param?: string | undefined;
  /** All problems; `param` names the first. */
  problems?: readonly Problem[];
  limit?: z.infer<typeof refusedLimit>;
  /** The limit for metrics: also if the caller must not see it. */
  countedLimit?: { scope: string; limit: string };
  /** Whose credential was refused, if it is known: for log and counts, not for the caller. */
  caller?: RefusedCaller;
  /** Extra response headers, names in lower case. */
  headers?: Readonly<Record<string, string>>;
  /** If the status is not the table's: an upstream error keeps its own. */
  status?: number;
  type?: string;
  /** The code that the upstream gave its error: the caller gets it instead. */
  upstreamCode?: string | undefined;
}

/**
 * A refused request, and why. A value, not an `Error`: refusing is ordinary work here, and collecting a stack for each
 * one is measurable (design 2.6).
 */
export class Refusal {
  readonly code: ErrorCode;
  /** For the caller: names the field and the remedy, never a secret. */
  readonly message: string;
  readonly details: RefusalDetails;

  constructor(code: ErrorCode, message: string, details: RefusalDetails = {}) {
    this.code = code;
    this.message = message;
    this.details = details;
  }

  get status(): number {
    return this.details.status ?? errorTable[this.code].status;
  }

  /** A client whose token is refused must not send the request again: some try for minutes. */
  get headers(): Readonly<Record<string, string>> {
    const own = this.details.headers ?? {};
    if (this.status === 401) return { 'www-authenticate': this.#challenge, ...noRetry, ...own };
    return this.status === 403 ? { ...noRetry, ...own } : own;
  }

  /** RFC 6750, 3.1: no error code if no token was sent. */
  get #challenge(): string {
    return this.code === 'missing_token' ? 'Bearer' : 'Bearer error="invalid_token"';
  }

  /** The JSON body of contract 1.5. Names that a caller sent may stand in it, so credentials are taken out. */
  body(requestId: string | null): { error: Record<string, unknown> } {
    const { param = null, problems = [], limit, type, upstreamCode } = this.details;
    const others = problems.slice(1, 1 + maxDetails).map(shownProblem);
    return {
      error: {
        message: withoutCredentials(this.message),
        type: type ?? errorTable[this.code].type,
        param: param === null ? null : withoutCredentials(param),
        code: upstreamCode ?? this.code,
        ...(others.length > 0 ? { details: others } : {}),
        ...(limit ? { limit } : {}),
        request_id: requestId,
      },
    };
  }
}

function shownProblem({ param, message }: Problem): Problem {
  return { param: withoutCredentials(param), message: withoutCredentials(message) };
}

/** The refusal for problems with a body or parameters: `error.param` the first, `error.details` the rest. */
export function invalidBody(problems: readonly Problem[], code: ErrorCode = 'invalid_body'): Refusal {
  const [first] = problems;
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more, see error.details)` : '';
  return new Refusal(code, `${first?.message ?? 'The request is not valid.'}${rest}`, {
    param: first?.param,
    problems,
  });
}

/** SDKs obey Retry-After without a cap (heroku.md §5): a longer wait goes with `x-should-retry: false`. */
export const longestRetryAfterS = 60;

/** When to try again, in whole seconds, and whether SDKs should do so by themselves. */
export function retryAfter(
  afterS: number,
  shouldRetry = afterS <= longestRetryAfterS,
): Record<string, string> {
  return { 'retry-after': String(afterS), ...(shouldRetry ? {} : noRetry) };
}

/** Whole seconds until a moment, at least 1, as `Retry-After` has them. */
export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1000));
}

/** The refusal by a process that is shutting down: another one will take the request. */
export function restarting(): Refusal {
  return new Refusal('overloaded', 'The gateway is restarting; send the request again.', {
    headers: retryAfter(1),
  });
}
