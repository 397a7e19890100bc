import { describe, expect, it } from 'vitest';
import { growth, linear } from '../../support/growth.ts';
import { methodNotAllowed, noRoute, noWebSockets, opensWebSocket } from '../../../src/base/no-route.ts';

describe('a method that a path does not have', () => {
  it.each([
    [['POST'], 'POST', 'On /x only POST is possible.'],
    [['GET'], 'GET, HEAD', 'On /x only GET and HEAD are possible.'],
    [['POST', 'DELETE'], 'POST, DELETE', 'On /x only POST and DELETE are possible.'],
    [
      ['GET', 'PATCH', 'DELETE'],
      'GET, HEAD, PATCH, DELETE',
      'On /x only GET, HEAD, PATCH and DELETE are possible.',
    ],
  ])('is answered with those it has: %j', (methods, allow, message) => {
    const refusal = methodNotAllowed('/x', methods);
    expect(refusal).toMatchObject({ code: 'method_not_allowed', message, headers: { allow } });
  });
});

it('a path of any length is shown, cut', () => {
  expect(methodNotAllowed(`/v1/models/${'x'.repeat(10_000)}`, ['GET']).message.length).toBeLessThan(300);
});

describe('a WebSocket', () => {
  it.each([
    ['GET', 'websocket', true],
    ['GET', 'WebSocket', true],
    ['GET', 'h2c, websocket', true],
    ['GET', 'h2c', false], // Java's client, before any request over plain http
    ['GET', 'websockets', false],
    ['GET', undefined, false],
    ['POST', 'websocket', false],
  ])('is asked for by %s with Upgrade: %s: %s', (method, upgrade, expected) => {
    expect(opensWebSocket({ method, headers: upgrade === undefined ? {} : { upgrade } })).toBe(expected);
  });

  it('is refused with the protocol to use instead', () => {
    expect(noWebSockets).toMatchObject({ status: 426, code: 'upgrade_required' });
    expect(noWebSockets.headers).toEqual({ upgrade: 'HTTP/1.1', connection: 'upgrade, close' });
  });
});

describe('a path without a route', () => {
  const routes = new Set(['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/models', '/healthz']);
  const hint = (path: string): string => noRoute(path, (other) => routes.has(other)).message;

  it.each([
    ['//v1/chat/completions', /slash too many/],
    ['/v1//chat/completions', /slash too many/],
    ['/v1/chat/completions/', /slash too many/],
    ['//v1/messages//', /slash too many/],
    ['/v1/models/', /slash too many/],
    ['/healthz/', /slash too many/],
    ['/chat/completions', /lacks \/v1/],
    ['//chat/completions/', /lacks \/v1/],
    ['/v1/v1/messages', /one \/v1 too many/],
    ['//v1/v1/messages', /one \/v1 too many/],
    ['/anthropic/v1/messages', /before \/v1/],
    ['/api/v1/chat/completions', /before \/v1/],
    ['/v1/responses/resp_1', /not stored.*POST \/v1\/responses/],
    ['/v1/responses/resp_1/input_items', /not stored/],
    ['/v1/responses/resp_1/cancel', /to cancel, close the connection/],
    ['/v1/responses/compact', /cannot be compacted/],
    ['/v1/responses/', /slash too many/],
    ['/responses', /lacks \/v1/],
    ['/v1/completions', /POST \/v1\/chat\/completions, with messages/],
    ['/v1/complete', /POST \/v1\/messages/],
    ['/v1/messages/batches', /no batches.*POST \/v1\/messages/],
    ['/v1/messages/batches/b/results', /no batches/],
    ['/v1/batches', /no batches/],
    ['/v1/files', /cannot|nothing can be stored/],
    ['/v1/files/f/content', /nothing can be stored/],
    ['/v1/audio/speech', /speech.*POST \/v1\/chat\/completions/],
    ['/v1/audio/transcriptions', /transcription/],
    ['/v1/realtime', /"stream": true/],
    ['/v1/images/edits', /POST \/v1\/images\/generations/],
    ['/v1/images/variations', /POST \/v1\/images\/generations/],
    ['/v1/moderations', /POST \/v1\/chat\/completions/],
    ['/v1/assistants', /not stored/],
    ['/v1/threads/t/runs', /not stored/],
    ['/v1/vector_stores', /nothing can be stored/],
    ['/v1/fine_tuning/jobs', /cannot be trained/],
    ['/v1/chat/completions/id/messages', /not stored/],
    ['/v1/engines', /GET \/v1\/models/],
  ])('%s is told %s', (path, expected) => {
    expect(hint(path)).toMatch(expected);
  });

  it.each([
    '/',
    '/v1',
    '/v1/',
    '//',
    '/responses-of-mine',
    '/v1/response',
    '/v1/filesystem',
    '/x//y/',
    '/v1/secret-tgk_x',
  ])('%s is told where to look, and is not repeated', (path) => {
    expect(hint(path)).toBe('There is nothing at this path; GET / says what there is.');
  });

  it.each(['//', '/v1/x/'])('of %s, any number: in linear time', (part) => {
    const looking = (amount: number) => () => hint(part.repeat(amount * 20_000));
    expect(growth(looking)).toBeLessThan(linear);
  });
});
