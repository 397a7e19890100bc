import { describe, expect, it } from 'vitest';
import { errorBody, isAnthropic } from '../../../src/base/error-body.ts';
import { errorTable, Refusal, type ErrorCode } from '../../../src/base/refusal.ts';

/** Anthropic's type for every code there is. */
const types: Record<ErrorCode, string> = {
  invalid_json: 'invalid_request_error',
  invalid_body: 'invalid_request_error',
  invalid_request: 'invalid_request_error',
  unsupported_tool: 'invalid_request_error',
  upstream_blocked: 'invalid_request_error',
  missing_token: 'authentication_error',
  invalid_token: 'authentication_error',
  expired_token: 'authentication_error',
  revoked_token: 'authentication_error',
  invalid_dpop_proof: 'authentication_error',
  use_dpop_nonce: 'authentication_error',
  model_not_allowed: 'permission_error',
  model_unpriced: 'permission_error',
  endpoint_not_allowed: 'permission_error',
  origin_not_allowed: 'permission_error',
  tool_not_allowed: 'permission_error',
  tag_not_allowed: 'permission_error',
  role_not_allowed: 'permission_error',
  field_not_allowed: 'permission_error',
  wider_than_parent: 'permission_error',
  suspended: 'permission_error',
  https_required: 'permission_error',
  model_not_found: 'not_found_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  request_timeout: 'timeout_error',
  already_exists: 'invalid_request_error',
  in_progress: 'invalid_request_error',
  replay_unavailable: 'invalid_request_error',
  already_claimed: 'invalid_request_error',
  precondition_failed: 'invalid_request_error',
  body_too_large: 'request_too_large',
  expectation_failed: 'invalid_request_error',
  idempotency_key_reused: 'invalid_request_error',
  upgrade_required: 'invalid_request_error',
  rate_limit_exceeded: 'rate_limit_error',
  insufficient_quota: 'rate_limit_error',
  upstream_rate_limited: 'rate_limit_error',
  headers_too_large: 'invalid_request_error',
  internal_error: 'api_error',
  not_implemented: 'api_error',
  upstream_auth_failed: 'api_error',
  upstream_unreachable: 'api_error',
  upstream_error: 'api_error',
  upstream_timeout: 'timeout_error',
  store_unavailable: 'api_error',
  overloaded: 'overloaded_error',
};

const codes = Object.keys(errorTable) as ErrorCode[];

describe('a refusal on a path of Anthropic', () => {
  it.each(codes)('%s has its type, and our own words besides', (code) => {
    const limit = { scope: 'team', metric: 'tokens', window: 'day', max: 1, resets_at: null };
    const refusal = new Refusal(code, 'What to do.', { param: 'model', limit });
    expect(errorBody('/v1/messages', refusal, 'id')).toEqual({
      type: 'error',
      error: { type: types[code], message: 'What to do.', code, param: 'model', limit, request_id: 'id' },
      request_id: 'id',
    });
  });

  it('has the type of the status that an error of the upstream keeps', () => {
    const of = (status: number): unknown =>
      errorBody('/v1/messages', new Refusal('upstream_error', 'No.', { status }), 'id');
    expect(of(404)).toMatchObject({ error: { type: 'not_found_error' } });
    expect(of(413)).toMatchObject({ error: { type: 'request_too_large' } });
    expect(of(422)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

it.each([
  ['/v1/messages', true],
  ['/v1/messages/', true],
  ['/v1/messages/count_tokens', true],
  ['/v1/v1/messages', true],
  ['/v1/messagess', false],
  ['/v1/chat/completions', false],
  ['/v1/v1/chat/completions', false],
  ['/v1/me', false],
  ['/messages', false],
])('%s is for the clients of Anthropic: %s', (path, expected) => {
  expect(isAnthropic(path)).toBe(expected);
  const body = errorBody(path, new Refusal('not_found', 'No.'), null);
  expect('type' in body).toBe(expected);
});
