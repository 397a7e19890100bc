import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLikeNode, writeHeadsOnce } from '../../../src/lifecycle/response-head.ts';

class Ours extends ServerResponse {}
writeHeadsOnce(Ours);

interface Told {
  method?: string;
  minor?: number;
  keepAlive?: boolean;
  status?: number;
  headers: string[] | Record<string, string>;
}

/** What a response has become once its head is written: its text without the date, and what decides how it goes on. */
function headBy(Response: new (request: IncomingMessage) => ServerResponse, told: Told): unknown {
  const { method = 'POST', minor = 1, keepAlive = true, status = 200, headers } = told;
  const request = Object.assign(new IncomingMessage(new Socket()), {
    method,
    httpVersionMajor: 1,
    httpVersionMinor: minor,
  });
  const response = Object.assign(new Response(request), { _keepAliveTimeout: 95_000 });
  if (!keepAlive) response.shouldKeepAlive = false;
  try {
    response.writeHead(status, headers as string[]);
  } catch (error) {
    return { thrown: (error as NodeJS.ErrnoException).code };
  }
  const state = Object.entries(response).filter(([, value]) => typeof value !== 'object' || value === null);
  return Object.fromEntries(
    state.map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replace(/\r\nDate: [^\r]+/, '\r\nDate:') : value,
    ]),
  );
}

const names = [
  'content-type',
  'Content-Length',
  'content-length',
  'x-request-id',
  'RateLimit',
  'connection',
  'Keep-Alive',
  'date',
  'Trailer',
  'transfer-encoding',
  'bad name',
  '',
];
const values = [
  '',
  'a',
  '12',
  'close',
  'keep-alive',
  'chunked',
  'text/plain; é',
  'line\nbreak',
  'wide ✓',
  '\t',
];
const header = fc.tuple(fc.constantFrom(...names), fc.oneof(fc.constantFrom(...values), fc.string()));

describe('the head of an answer', () => {
  it('is written here, and not by Node, on this runtime', () => {
    expect(isLikeNode()).toBe(true);
  });

  it("has Node's bytes, and leaves the response as Node does, whatever its headers and its request are", () => {
    fc.assert(
      fc.property(
        fc.record({
          method: fc.constantFrom('POST', 'GET', 'HEAD'),
          minor: fc.constantFrom(1, 1, 1, 0),
          keepAlive: fc.boolean(),
          status: fc.constantFrom(200, 200, 201, 204, 304, 429, 500),
          headers: fc.oneof(
            fc.array(header, { maxLength: 6 }).map((list) => list.flat()),
            fc
              .array(header, { maxLength: 6 })
              .map((list) => Object.fromEntries(list) as Record<string, string>),
          ),
        }),
        (told) => {
          expect(headBy(Ours, told)).toEqual(headBy(ServerResponse, told));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('checks a value again when it is another one', () => {
    const told = (value: string): Told => ({ headers: ['x-request-id', value] });
    expect(headBy(Ours, told('fine'))).not.toHaveProperty('thrown');
    expect(headBy(Ours, told('fine\r\nx: y'))).toEqual({ thrown: 'ERR_INVALID_CHAR' });
    expect(headBy(Ours, told('fine'))).not.toHaveProperty('thrown');
  });
});
