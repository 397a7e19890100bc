import { describe, expect, it } from 'vitest';
import { upstreamHeaders } from '../../../src/upstream/upstream-headers.ts';

const key = 'inf-00000000-0000-0000-0000-000000000000';
const requestId = 'a-request-id-of-the-caller';

function sent(caller: Record<string, string>, stream = false): [string, string][] {
  const flat = upstreamHeaders(caller, { key, requestId, stream });
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
}

const own: [string, string][] = [
  ['authorization', `Bearer ${key}`],
  ['content-type', 'application/json'],
  ['accept', 'application/json'],
  ['accept-encoding', 'identity'],
  ['x-request-id', requestId],
];

describe('the headers to the upstream', () => {
  it('are ours', () => {
    expect(sent({})).toEqual(own);
  });

  it('ask for a stream where one is wanted, whatever the caller accepts', () => {
    expect(sent({ accept: 'application/json' }, true)).toContainEqual(['accept', 'text/event-stream']);
  });

  it("are of the caller's only what Heroku documents", () => {
    const passing: [string, string][] = [
      ['x-heroku-prompt-caching', 'false'],
      ['anthropic-version', '2023-06-01'],
      ['anthropic-beta', 'output-128k'],
    ];
    expect(sent(Object.fromEntries(passing))).toEqual([...own, ...passing]);
  });

  it('have nothing of its credentials, cookies, addresses, tracking or connection', () => {
    const secrets = {
      authorization: 'Bearer tgk_secret',
      'x-api-key': 'tgk_secret',
      'proxy-authorization': 'Basic secret',
      cookie: 'session=secret',
      host: 'secret.example.com',
      origin: 'https://secret.example.com',
      referer: 'https://secret.example.com/',
      forwarded: 'for=secret',
      'x-forwarded-for': 'secret',
      'x-forwarded-host': 'secret',
      'x-forwarded-proto': 'https',
      'x-real-ip': 'secret',
      via: '1.1 secret',
      connection: 'keep-alive, anthropic-secret',
      'keep-alive': 'timeout=secret',
      'proxy-connection': 'secret',
      te: 'trailers',
      trailer: 'secret',
      'transfer-encoding': 'chunked',
      upgrade: 'secret',
      expect: '100-continue',
      'content-length': '5',
      'content-type': 'text/plain',
      'accept-encoding': 'gzip',
      'x-request-id': 'secret',
      'x-stainless-os': 'secret',
      'user-agent': 'secret',
      'openai-organization': 'secret',
      'x-heroku-other': 'secret',
      'x-anthropic-version': 'secret',
    };
    expect(sent(secrets)).toEqual(own);
  });
});
