import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExchange } from '../../../src/sign-in/exchange-form.ts';
import { oauthErrorBody, SignInRefusal } from '../../../src/sign-in/oauth-error.ts';
import { anyCharacter } from '../../support/any-character.ts';

const urn = 'urn:ietf:params:oauth';
const formType = 'application/x-www-form-urlencoded';
const valid = {
  grant_type: `${urn}:grant-type:token-exchange`,
  subject_token: 'a.b.c',
  subject_token_type: `${urn}:token-type:id_token`,
};

function read(parameters: Record<string, string>, contentType: string | undefined = formType) {
  return readExchange(contentType, new URLSearchParams(parameters).toString());
}

function outcomeOf(result: string | SignInRefusal): string {
  return result instanceof SignInRefusal ? result.error : 'read';
}

describe('readExchange', () => {
  it('gives the subject token', () => {
    expect(read(valid)).toBe('a.b.c');
  });

  it.each([
    ['a JWT', { subject_token_type: `${urn}:token-type:jwt` }, 'read'],
    ['an access token asked for', { requested_token_type: `${urn}:token-type:access_token` }, 'read'],
    ['a client id', { client_id: 'client-1' }, 'read'],
    ['an unknown parameter', { colour: 'red' }, 'read'],
    [
      'parameters without a value',
      { scope: '', audience: '', actor_token: '', requested_token_type: '' },
      'read',
    ],
    ['no grant type', { grant_type: '' }, 'invalid_request'],
    ['another grant type', { grant_type: 'authorization_code' }, 'unsupported_grant_type'],
    ['no subject token', { subject_token: '' }, 'invalid_request'],
    ['no subject token type', { subject_token_type: '' }, 'invalid_request'],
    ['an access token', { subject_token_type: `${urn}:token-type:access_token` }, 'invalid_request'],
    ['a SAML assertion', { subject_token_type: `${urn}:token-type:saml2` }, 'invalid_request'],
    [
      'a refresh token asked for',
      { requested_token_type: `${urn}:token-type:refresh_token` },
      'invalid_request',
    ],
    ['an actor', { actor_token: 'a.b.c' }, 'invalid_request'],
    ['the type of an actor', { actor_token_type: `${urn}:token-type:jwt` }, 'invalid_request'],
    ['an audience', { audience: 'https://api.example.com' }, 'invalid_target'],
    ['a resource', { resource: 'https://api.example.com' }, 'invalid_target'],
    ['a scope', { scope: 'openid' }, 'invalid_scope'],
    [
      'the grant type in upper case',
      { grant_type: valid.grant_type.toUpperCase() },
      'unsupported_grant_type',
    ],
  ])('of %s: %j is %s', (_, parameters, outcome) => {
    expect(outcomeOf(read({ ...valid, ...parameters }))).toBe(outcome);
  });

  it.each([
    [`${formType};charset=UTF-8`, 'read'],
    [`${formType} ; charset="utf-8"`, 'read'],
    [formType.toUpperCase(), 'read'],
    [undefined, 'invalid_request'],
    ['', 'invalid_request'],
    ['application/json', 'invalid_request'],
    ['multipart/form-data; boundary=x', 'invalid_request'],
    [`${formType}2`, 'invalid_request'],
    [`${formType}, application/json`, 'invalid_request'],
    [`text/plain; a=${formType}`, 'invalid_request'],
  ])('of the type %j is %s', (contentType, outcome) => {
    const body = new URLSearchParams(valid).toString();
    expect(outcomeOf(readExchange(contentType, body))).toBe(outcome);
  });

  it.each([...Object.keys(valid), 'client_id', 'colour', 'scope'])('refuses %s given twice', (name) => {
    const body = `${new URLSearchParams({ client_id: '', colour: '', scope: '', ...valid }).toString()}&${name}=`;
    const refusal = readExchange(formType, body);
    expect(refusal).toMatchObject({ error: 'invalid_request', description: expect.stringContaining(name) });
  });

  it('calls audiences, which may be repeated, an invalid target all the same', () => {
    const body = `${new URLSearchParams(valid).toString()}&audience=a&audience=b`;
    expect(outcomeOf(readExchange(formType, body))).toBe('invalid_target');
  });

  it('says nothing of a token that stands where a name should', () => {
    const refusal = readExchange(formType, 'eyJcanary.b.c&eyJcanary.b.c');
    expect(JSON.stringify(refusal)).not.toContain('canary');
  });

  it('takes any text for what it is: a token or a refusal', () => {
    const name = fc.constantFrom(
      ...Object.keys(valid),
      'scope',
      'audience',
      'actor_token',
      'other',
      '__proto__',
    );
    const pair = fc.tuple(
      fc.oneof(name, fc.string()),
      fc.oneof(fc.constantFrom(...Object.values(valid)), fc.string()),
    );
    const form = fc.array(pair).map((pairs) => new URLSearchParams(pairs).toString());
    fc.assert(
      fc.property(fc.oneof(form, fc.string({ unit: anyCharacter })), (body) => {
        const result = readExchange(formType, body);
        if (result instanceof SignInRefusal) expect(oauthErrorBody(result).error_description).not.toBe('');
        else expect(new URLSearchParams(body).getAll('subject_token')).toEqual([result]);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every token as it was sent', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (token) => {
        expect(read({ ...valid, subject_token: token })).toBe(token);
      }),
    );
  });
});
