import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable, invalidBody, Refusal, restarting } from '../../../src/base/refusal.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

describe('the error table', () => {
  // Contract 1.5, less what later issues add.
  it.each([
    [400, 'invalid_request_error', ['invalid_json', 'invalid_body', 'upstream_blocked']],
    [401, 'authentication_error', ['missing_token', 'invalid_token', 'expired_token', 'revoked_token']],
    [
      403,
      'permission_error',
      [
        'model_not_allowed',
        'endpoint_not_allowed',
        'origin_not_allowed',
        'tool_not_allowed',
        'role_not_allowed',
      ],
    ],
    [404, 'invalid_request_error', ['model_not_found', 'not_found']],
    [405, 'invalid_request_error', ['method_not_allowed']],
    [409, 'invalid_request_error', ['already_exists']],
    [412, 'invalid_request_error', ['precondition_failed']],
    [413, 'invalid_request_error', ['body_too_large']],
    [426, 'invalid_request_error', ['upgrade_required']],
    [429, 'rate_limit_error', ['rate_limit_exceeded', 'insufficient_quota', 'upstream_rate_limited']],
    [500, 'server_error', ['internal_error']],
    [502, 'upstream_error', ['upstream_auth_failed', 'upstream_unreachable', 'upstream_error']],
    [504, 'upstream_error', ['upstream_timeout']],
    [503, 'server_error', ['store_unavailable', 'overloaded']],
  ] as const)('has for %i %s', (status, type, expected) => {
    for (const code of expected) expect(errorTable[code]).toEqual({ status, type });
  });
});

describe('a refusal', () => {
  it.each(codes)('with code %s has the status, type and shape of the contract', (code) => {
    const refusal = new Refusal(code, 'Because.');
    expect(refusal.status).toBe(errorTable[code].status);
    expect(refusal.body('request-1')).toEqual({
      error: { message: 'Because.', type: errorTable[code].type, param: null, code, request_id: 'request-1' },
    });
  });

  it('of a 401 asks for a Bearer token, of a 401 or 403 says not to try again, and else nothing', () => {
    for (const code of codes) {
      const { status, headers } = new Refusal(code, '');
      const noRetry = status === 401 || status === 403 ? { 'x-should-retry': 'false' } : {};
      const challenge = code === 'missing_token' ? 'Bearer' : 'Bearer error="invalid_token"';
      expect(headers).toEqual({ ...noRetry, ...(status === 401 ? { 'www-authenticate': challenge } : {}) });
    }
  });

  it('keeps headers of its own beside that', () => {
    const refusal = new Refusal('invalid_token', '', { headers: { connection: 'close' } });
    expect(refusal.headers).toMatchObject({ 'x-should-retry': 'false', connection: 'close' });
  });

  it('may have a status and a type of its own, as an upstream error does', () => {
    const refusal = new Refusal('upstream_error', 'Gone.', { status: 410, type: 'invalid_request_error' });
    expect(refusal.status).toBe(410);
    expect(refusal.body(null).error).toMatchObject({
      type: 'invalid_request_error',
      code: 'upstream_error',
      request_id: null,
    });
  });

  it('of a limit says whose', () => {
    const limit = { scope: 'team', metric: 'requests', window: 'day', max: 5, resets_at: null };
    expect(new Refusal('insufficient_quota', '', { limit }).body(null).error).toMatchObject({ limit });
  });

  it('is no Error, since a stack costs', () => {
    expect(new Refusal('not_found', '')).not.toBeInstanceOf(Error);
  });

  it('of a process that stops asks to come again at once', () => {
    expect(restarting()).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });
});

describe('invalidBody', () => {
  const problems = (count: number): { param: string; message: string }[] =>
    Array.from({ length: count }, (_, n) => ({ param: `p${n}`, message: `p${n} is wrong.` }));

  it('names the first problem as param, and has no details where there is no other', () => {
    const { error } = invalidBody(problems(1)).body(null);
    expect(error).toMatchObject({ param: 'p0', code: 'invalid_body', message: 'p0 is wrong.' });
    expect(error).not.toHaveProperty('details');
  });

  it('has the others as details, 50 at most, and says how many there are', () => {
    const { error } = invalidBody(problems(3)).body(null);
    expect(error['details']).toEqual(problems(3).slice(1));
    expect(error['message']).toBe('p0 is wrong. (and 2 more, see error.details)');
    expect(invalidBody(problems(80)).body(null).error['details']).toEqual(problems(51).slice(1));
  });

  it('may be another code, and says something even without problems', () => {
    expect(invalidBody(problems(1), 'invalid_json').code).toBe('invalid_json');
    expect(invalidBody([])).toMatchObject({ status: 400, message: 'The request is not valid.' });
  });
});
