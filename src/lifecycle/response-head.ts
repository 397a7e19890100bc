import { IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import { Socket } from 'node:net';
import { systemClock } from '../base/clock.ts';

/*
 * Node writes the head of a response one header at a time, and checks each name and value by a regular expression:
 * a twentieth of a short chat. Most of ours are the same in every answer, so here each is checked once for as long as
 * its value stays the same. The bytes are Node's. Whatever is out of the ordinary goes Node's way, and so does all if
 * this runtime does not do exactly what is done here: that is tried once, at start.
 */

/** What a response keeps for itself (lib/_http_outgoing.js), as far as its head needs it. */
interface Internals {
  _header: string | null;
  _headerSent: boolean;
  _contentLength: number | null;
  _hasBody: boolean;
  _last: boolean;
  _defaultKeepAlive: boolean;
  _keepAliveTimeout: number;
  _maxRequestsPerSocket: number;
  maxRequestsOnConnectionReached: boolean;
  chunkedEncoding: boolean;
  useChunkedEncodingByDefault: boolean;
  shouldKeepAlive: boolean;
  sendDate: boolean;
  _storeHeader(statusLine: string, headers: unknown): void;
}

/** Has a class of responses write its heads the cheap way. Does nothing if the runtime is another than it was made for. */
export function writeHeadsOnce(responses: { prototype: ServerResponse }): void {
  if (!isLikeNode()) return;
  const node = ServerResponse.prototype as unknown as Internals;
  Object.defineProperty(responses.prototype, '_storeHeader', {
    value: function storeHeader(this: Internals, statusLine: string, headers: unknown): void {
      if (!storeHead(this, statusLine, headers)) node._storeHeader.call(this, statusLine, headers);
    },
  });
}

/** Stores the head. False if anything about it is out of the ordinary: then nothing has changed. */
function storeHead(response: Internals, statusLine: string, headers: unknown): boolean {
  if (!Array.isArray(headers) || !isOrdinary(response)) return false;
  let text = statusLine;
  let contentLength: number | null = null;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const value: unknown = headers[at + 1];
    const line = typeof value === 'string' ? lineOf(headers[at], value) : null;
    if (line === null || line.isSpecial) return false;
    if (line.isLength) contentLength = Number(value);
    text += line.text;
  }
  const timeoutS = Math.floor(response._keepAliveTimeout / 1_000);
  text += `Date: ${dateNow()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${timeoutS}\r\n`;
  if (contentLength === null) {
    text += 'Transfer-Encoding: chunked\r\n';
    response.chunkedEncoding = true;
  } else {
    response._contentLength = contentLength;
  }
  response._header = `${text}\r\n`;
  response._headerSent = false;
  return true;
}

/** An answer with a body over a connection that stays open. */
function isOrdinary(response: Internals): boolean {
  return (
    response.shouldKeepAlive &&
    response._hasBody &&
    response.sendDate &&
    response.useChunkedEncodingByDefault &&
    response._defaultKeepAlive &&
    response._keepAliveTimeout > 0 &&
    !response._maxRequestsPerSocket &&
    !response.maxRequestsOnConnectionReached &&
    !response._last &&
    !response.chunkedEncoding
  );
}

/** The line of a header as it was written last. */
interface Line {
  prefix: string;
  value: string;
  text: string;
  isLength: boolean;
  /** What Node decides differently for. */
  isSpecial: boolean;
}

const special = /^(?:connection|keep-alive|transfer-encoding|trailer|expect|date|content-disposition)$/i;
const maxLines = 100;
const lines = new Map<unknown, Line>();

/** Throws what Node throws for a name or value that is none. */
function lineOf(name: unknown, value: string): Line {
  const line = lines.get(name) ?? newLine(name);
  if (line.value === value) return line;
  validateHeaderValue(line.prefix, value);
  line.value = value;
  line.text = `${line.prefix}${value}\r\n`;
  return line;
}

function newLine(name: unknown): Line {
  if (typeof name !== 'string') throw new TypeError('The name of a header is no text.');
  validateHeaderName(name);
  if (lines.size >= maxLines) lines.clear();
  const prefix = `${name}: `;
  const isLength = name.toLowerCase() === 'content-length';
  const line = { prefix, value: '', text: `${prefix}\r\n`, isLength, isSpecial: special.test(name) };
  lines.set(name, line);
  return line;
}

let date = { second: -1, text: '' };

function dateNow(): string {
  const nowMs = systemClock.now();
  const second = Math.floor(nowMs / 1_000);
  if (second !== date.second) date = { second, text: new Date(nowMs).toUTCString() };
  return date.text;
}

/** Whether Node makes the same of a response. */
export function isLikeNode(): boolean {
  return [['content-length', '2'], []].every((headers) => {
    const [ours, nodes] = [blankResponse(), blankResponse()];
    const own = ['content-type', 'text/plain', ...headers];
    nodes._storeHeader('HTTP/1.1 200 OK\r\n', own);
    return storeHead(ours, 'HTTP/1.1 200 OK\r\n', own) && isSame(ours, nodes);
  });
}

function blankResponse(): Internals {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  });
  const response = new ServerResponse(request) as unknown as Internals;
  response._keepAliveTimeout = 95_000;
  return response;
}

/** Every property, but for the second in which each was made. */
function isSame(ours: Internals, nodes: Internals): boolean {
  const undated = (text: unknown): unknown =>
    typeof text === 'string' ? text.replace(/\r\nDate: [^\r]+/, '') : text;
  const names = Object.keys(nodes) as (keyof Internals)[];
  return names.every((name) => {
    const [own, other] = [ours[name], nodes[name]];
    return (typeof own === 'object' && own !== null) || undated(own) === undated(other);
  });
}
