import { describe, expect, it } from 'vitest';
import { backoffMs, causeOfError, causeOfStatus, wasReused } from '../../../src/upstream/retry.ts';

const json = 'application/json';

function errorWith(code: string, name = 'SocketError'): Error {
  return Object.assign(new Error(code), { code, name });
}

describe('an answer', () => {
  it.each([
    [429, json, 'limited'],
    [502, 'text/html', 'failing'],
    [503, json, 'failing'],
    [504, json, 'failing'],
    [529, json, 'overloaded'],
    [401, 'text/html', 'key'],
    [403, json, 'key'],
  ])('of %i as %s is worth another attempt: %s', (status, contentType, cause) => {
    expect(causeOfStatus(status, contentType)).toBe(cause);
  });

  it.each([
    [200, json],
    [400, json],
    [403, 'text/html'],
    [404, json],
    [408, json],
    [500, json],
    [501, json],
    [302, ''],
  ])('of %i as %s is kept', (status, contentType) => {
    expect(causeOfStatus(status, contentType)).toBeNull();
  });
});

describe('an error', () => {
  it('before anything was sent is one of connecting', () => {
    expect(causeOfError(errorWith('ECONNREFUSED'), false)).toBe('unconnected');
    expect(causeOfError(errorWith('UND_ERR_CONNECT_TIMEOUT'), false)).toBe('unconnected');
  });

  it('after that is a reset, unless an answer came that is not HTTP', () => {
    expect(causeOfError(errorWith('ECONNRESET'), true)).toBe('reset');
    expect(causeOfError(errorWith('HPE_INVALID_CONSTANT', 'HTTPParserError'), true)).toBeNull();
    expect(causeOfError(errorWith('UND_ERR_HEADERS_OVERFLOW'), true)).toBeNull();
  });
});

describe('a connection that failed', () => {
  it.each([
    [errorWith('ECONNRESET'), false],
    [Object.assign(errorWith('ECONNRESET'), { socket: { bytesRead: 0 } }), false],
    [Object.assign(errorWith('UND_ERR_SOCKET'), { socket: { bytesRead: 300 } }), true],
    [Object.assign(errorWith('UND_ERR_SOCKET'), { socket: null }), false],
  ])('had brought an answer before if something was read from it: %#', (error, reused) => {
    expect(wasReused(error)).toBe(reused);
  });
});

describe('the pause between attempts', () => {
  it('is anything up to a bound that doubles, and no more than a second', () => {
    expect([1, 2, 3, 4, 5, 9].map((made) => backoffMs(made, 1))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(backoffMs(3, 0)).toBe(0);
    expect(backoffMs(3, 0.25)).toBe(100);
  });
});
