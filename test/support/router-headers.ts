import type { IncomingMessage } from 'node:http';

/** Dev Center, "HTTP Routing": the longest header line, in bytes. */
const longestLine = 8_192;
/** Of a connection, not of the message: RFC 9110, 7.6.1. */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Whether a header line is longer than the router carries. */
export function longHeaderLine(rawHeaders: readonly string[]): boolean {
  return pairs(rawHeaders).some(
    ([name, value]) => Buffer.byteLength(`${name}: ${value}`, 'latin1') > longestLine,
  );
}

/** What goes on to the dyno: the caller's headers, with what the router says of where they came from. */
export function requestHeaders(incoming: IncomingMessage, newId: string): string[] {
  const own = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-request-id', 'expect']);
  const { 'x-forwarded-for': before, 'x-request-id': id } = incoming.headers;
  const address = incoming.socket.remoteAddress ?? '';
  const length = incoming.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  return [
    ...pairs(incoming.rawHeaders)
      .filter(([name]) => !own.has(name.toLowerCase()) && !ofConnection.has(name.toLowerCase()))
      .flat(),
    ...length,
    'X-Request-ID',
    typeof id === 'string' && /^[A-Za-z0-9+/=-]{20,200}$/.test(id) ? id : newId,
    'X-Forwarded-For',
    [before, address].filter((each) => each !== undefined).join(', '),
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Port',
    '443',
  ];
}

/** What goes back to the caller. */
export function passedHeaders(rawHeaders: readonly string[]): string[] {
  return pairs(rawHeaders)
    .filter(([name]) => !ofConnection.has(name.toLowerCase()))
    .flat();
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : []));
}
