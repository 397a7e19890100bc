import { describe, expect, it } from 'vitest';
import { looksLikeCredential, withoutCredentials } from '../../../src/base/credential-text.ts';
import { mintSessionToken, mintToken } from '../../../src/identity/records/token-text.ts';

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl';
const credentials = [
  mintToken('user').text,
  mintToken('admin').text,
  mintSessionToken(Date.now()).text,
  'inf-0f8fad5b-d9cb-469f-a165-70867728950e',
  'inf-0f8fad5bd9cb469fa16570867728950e',
  'sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFi',
  'sk-ant-api03-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFi',
  'sk_live_51H8Zm9vYmFyYmF6cXV4MTIz',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'AKIAIOSFODNN7EXAMPLE',
  'whsec_MfKQ9r/GKYqrTwj+PD8ILPZIo2LaLaSwq5MN0Ra3Q7I=',
  'Bearer 0123456789abcdef',
  jwt,
];

describe('what looks like a credential', () => {
  it.each(credentials)('is %s, alone and among other words', (text) => {
    expect(looksLikeCredential(text)).toBe(true);
    expect(looksLikeCredential(`it is ${text}, keep it`)).toBe(true);
    expect(withoutCredentials(`it is ${text}, keep it`)).toBe('it is [redacted], keep it');
  });

  it.each([
    ['in capitals', (text: string) => text.toUpperCase()],
    ['percent-encoded', (text: string) => encodeURIComponent(text).replace('_', '%5F').replace('-', '%2D')],
    [
      'in full width',
      (text: string) => text.replaceAll(/[!-~]/g, (c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)),
    ],
    ['with a character nobody sees', (text: string) => `${text.slice(0, 7)}\u200b${text.slice(7)}`],
  ])('is one %s', (_, spelt) => {
    const text = spelt(mintToken('user').text);
    expect(looksLikeCredential(text)).toBe(true);
    expect(withoutCredentials(text)).not.toContain(text);
  });

  it.each([
    '',
    'claude-4-5-haiku',
    'meta-llama/Llama-3.3-70B-Instruct',
    'cohere-embed-multilingual',
    'sk-marketing-department-2026',
    'inf-team-of-the-north-2026',
    'tgk_0123abcd',
    'The standard bearer of 2026',
    '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
    'oidc-0f8fad5bd9cb469fa16570867728950e',
    'tok_0f8fad5bd9cb',
    'Ana Müller-Ökonom, 100 %',
    'https://app.example.com',
    '/v1/chat/completions',
  ])('is not %j', (text) => {
    expect(looksLikeCredential(text)).toBe(false);
    expect(withoutCredentials(text)).toBe(text);
  });

  it('is found in linear time', () => {
    for (const part of ['sk-', 'eyJ', 'bearer ', 'inf-', 'tgk_', '%', 'a\u200b'])
      looksLikeCredential(part.repeat(50_000));
  });
});
