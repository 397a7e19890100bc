import { describe, expect, it } from 'vitest';
import { extractCredential, type CredentialHeaders } from '../../../src/access/credential.ts';
import { mintSessionToken, mintToken } from '../../../src/identity/records/token-text.ts';
import { Refusal } from '../../../src/base/refusal.ts';

const token = mintToken('user').text;
const other = mintToken('user').text;
const administrators = mintToken('admin').text;

describe('extractCredential', () => {
  it.each<[string, CredentialHeaders]>([
    ['Authorization: Bearer', { authorization: `Bearer ${token}` }],
    ['the scheme in any case', { authorization: `bEARER ${token}` }],
    ['several spaces', { authorization: `Bearer   ${token}` }],
    ['x-api-key', { 'x-api-key': token }],
    ['x-api-key beside an empty Authorization', { authorization: '', 'x-api-key': token }],
    ['x-api-key beside Bearer without a token', { authorization: 'Bearer', 'x-api-key': token }],
    ['x-api-key beside Bearer and spaces', { authorization: ' bearer  ', 'x-api-key': token }],
    ['the same in both', { authorization: `Bearer ${token}`, 'x-api-key': token }],
  ])('reads %s', (_, headers) => {
    expect(extractCredential(headers)).toBe(token);
  });

  it('reads a session that comes with a proof', () => {
    const { text } = mintSessionToken(2_000_000_000_000);
    for (const scheme of ['DPoP', 'dpop', 'Bearer'])
      expect(extractCredential({ authorization: `${scheme} ${text}`, dpop: 'e30.e30.A' })).toBe(text);
    expect(extractCredential({ authorization: `DPoP ${text}` })).toMatchObject({
      code: 'invalid_dpop_proof',
    });
    expect(extractCredential({ authorization: `DPoP ${text}`, dpop: 'x', 'x-api-key': token })).toMatchObject(
      {
        code: 'invalid_token',
      },
    );
  });

  const mistyped = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`;
  it.each<[string, CredentialHeaders, string, RegExp]>([
    ['nothing', {}, 'missing_token', /Authorization: Bearer tgk_/],
    ['an empty Authorization', { authorization: '' }, 'invalid_token', /"Bearer", a space and a token/],
    ['Bearer without a token', { authorization: 'Bearer' }, 'invalid_token', /"Bearer", a space/],
    ['Bearer and spaces', { authorization: 'Bearer   ' }, 'invalid_token', /"Bearer", a space/],
    ['another scheme', { authorization: `Basic ${token}` }, 'invalid_token', /"Bearer", a space/],
    ['no scheme', { authorization: token }, 'invalid_token', /"Bearer", a space/],
    ['no space', { authorization: `Bearer${token}` }, 'invalid_token', /"Bearer", a space/],
    [
      "a user's token with a proof",
      { authorization: `DPoP ${token}`, dpop: 'x' },
      'invalid_token',
      /Only a session/,
    ],
    ['an empty x-api-key', { 'x-api-key': '' }, 'invalid_token', /x-api-key header is empty/],
    [
      'an empty x-api-key beside a good token',
      { authorization: `Bearer ${token}`, 'x-api-key': '' },
      'invalid_token',
      /x-api-key header is empty/,
    ],
    [
      'two that differ',
      { authorization: `Bearer ${token}`, 'x-api-key': other },
      'invalid_token',
      /different credentials/,
    ],
    [
      'a good x-api-key beside another scheme',
      { authorization: 'Basic eDp5', 'x-api-key': token },
      'invalid_token',
      /"Bearer", a space/,
    ],
    [
      'a joined Authorization',
      { authorization: `Bearer ${token}, Bearer ${token}` },
      'invalid_token',
      /More than one/,
    ],
    ['a joined x-api-key', { 'x-api-key': `${token}, ${token}` }, 'invalid_token', /More than one/],
    ['a repeated x-api-key', { 'x-api-key': [token, token] }, 'invalid_token', /More than one/],
    ['something behind the token', { authorization: `Bearer ${token} x` }, 'invalid_token', /mistyped/],
    ['a mistyped token', { authorization: `Bearer ${mistyped}` }, 'invalid_token', /mistyped or cut off/],
    ['a token cut off', { 'x-api-key': token.slice(0, 30) }, 'invalid_token', /mistyped or cut off/],
    [
      'an inference key',
      { authorization: 'Bearer inf-7b0ec5f2-9ec2-4d4c-b0ab-7e1c7e2e9a50' },
      'invalid_token',
      /Heroku Inference key.*tgk_/,
    ],
    [
      "an administrator's token",
      { authorization: `Bearer ${administrators}` },
      'invalid_token',
      /administrator's token.*\/admin.*tgk_/,
    ],
    ['another key', { 'x-api-key': 'sk-12345' }, 'invalid_token', /begins with tgk_/],
  ])('refuses %s', (_, headers, code, message) => {
    const refusal = extractCredential(headers);
    if (!(refusal instanceof Refusal)) throw new Error('It was taken for a credential.');
    expect(refusal.code).toBe(code);
    expect(refusal.status).toBe(401);
    expect(refusal.headers['www-authenticate']).toMatch(
      code === 'missing_token' ? /^Bearer$/ : /invalid_token/,
    );
    expect(refusal.message).toMatch(message);
    // Never a secret: not even one that is not ours.
    for (const secret of [token, other, administrators, mistyped, '7b0ec5f2', 'sk-12345']) {
      expect(JSON.stringify(refusal.body(null))).not.toContain(secret);
    }
  });

  it('reads neither cookies nor anything else', () => {
    const headers = { cookie: `authorization=${token}`, 'proxy-authorization': `Bearer ${token}` };
    expect(extractCredential(headers as CredentialHeaders)).toMatchObject({ code: 'missing_token' });
  });
});
