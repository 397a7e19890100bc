import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oauthErrorBody, SignInRefusal } from '../../../src/sign-in/oauth-error.ts';
import { anyCharacter } from '../../support/any-character.ts';

describe('SignInRefusal', () => {
  it.each([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['access_denied', 403],
    ['slow_down', 429],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ] as const)('of %s has the status %i', (error, status) => {
    expect(new SignInRefusal(error, 'Why.').status).toBe(status);
  });

  it('takes another status, and a cause that its body does not tell', () => {
    const refusal = new SignInRefusal('invalid_request', 'Why.', { status: 403, cause: new Error('canary') });
    expect(refusal.status).toBe(403);
    expect(oauthErrorBody(refusal)).toEqual({ error: 'invalid_request', error_description: 'Why.' });
  });

  it('describes itself in the characters RFC 6749 allows, whatever it is told', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const { error_description: description } = oauthErrorBody(new SignInRefusal('invalid_request', text));
        expect(description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
      }),
    );
  });
});
