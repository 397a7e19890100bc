import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/* Answers if no route matches. Those for paths do not repeat them, because people paste tokens anywhere. */

/** The refusal for a path that does not exist. */
export const nothingHere = nothing('GET / says what there is.');

/** The refusal for `/v1/v1/…`. */
export const doubledVersion = nothing('the base URL has one /v1 too many: your client adds it by itself.');

const missingVersion = nothing('the base URL lacks /v1, which your client does not add by itself.');
const surplusSlash = nothing(
  'it has a slash too many. Take it from the end of the base URL, or from the end of the path.',
);
const surplusPrefix = nothing('the base URL has something before /v1 that does not belong there.');

/** What there is instead of the vendors' other endpoints, which Heroku Inference does not have. The first that fits. */
const instead: readonly (readonly [path: string, remedy: string])[] = [
  [
    '/v1/responses/compact',
    'conversations cannot be compacted. Have a model sum yours up, by POST /v1/responses.',
  ],
  [
    '/v1/responses',
    'responses are not stored, so none can be read, deleted or cancelled by its id. Send all items to POST /v1/responses; to cancel, close the connection.',
  ],
  ['/v1/completions', 'use POST /v1/chat/completions, with messages instead of a prompt.'],
  ['/v1/complete', 'use POST /v1/messages, with messages instead of a prompt.'],
  ['/v1/messages/batches', 'there are no batches. Send each request to POST /v1/messages.'],
  ['/v1/batches', 'there are no batches. Send each request by itself.'],
  ['/v1/chat/completions', 'answers are not stored. Only POST /v1/chat/completions exists.'],
  ['/v1/audio', 'there is no speech or transcription. Text goes to POST /v1/chat/completions.'],
  ['/v1/realtime', 'there are no realtime sessions. Use POST /v1/chat/completions with "stream": true.'],
  ['/v1/images', 'images can only be made: POST /v1/images/generations.'],
  ['/v1/videos', 'there are no videos. Images are made by POST /v1/images/generations.'],
  ['/v1/moderations', 'there is no moderation model. Ask one of POST /v1/chat/completions.'],
  ...['files', 'uploads', 'containers', 'vector_stores', 'skills'].map(
    (name) => [`/v1/${name}`, 'nothing can be stored here. Send the content itself, in messages.'] as const,
  ),
  ...['assistants', 'threads', 'conversations', 'chatkit'].map(
    (name) =>
      [
        `/v1/${name}`,
        'conversations are not stored. Send the whole one to POST /v1/chat/completions, or use POST /v1/agents/heroku.',
      ] as const,
  ),
  ...['fine_tuning', 'fine-tunes', 'evals'].map(
    (name) =>
      [
        `/v1/${name}`,
        'models cannot be trained or tested here; GET /v1/models lists those there are.',
      ] as const,
  ),
  ['/v1/engines', 'use GET /v1/models.'],
  ['/v1/edits', 'use POST /v1/chat/completions.'],
  ['/v1/organization', 'GET /v1/me says what you may use, GET /v1/me/usage what you used.'],
];

const remedies = instead.map(([path, remedy]) => ({ path, refusal: nothing(remedy) }));

/** The refusal for a path without a route. `exists` says whether another path has one. */
export function noRoute(path: string, exists: (path: string) => boolean): Refusal {
  const plain = path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (plain !== path && exists(plain)) return surplusSlash;
  if (exists(`/v1${plain}`)) return missingVersion;
  if (plain.startsWith('/v1/v1/')) return doubledVersion;
  const version = plain.lastIndexOf('/v1/');
  if (version > 0 && exists(plain.slice(version))) return surplusPrefix;
  const known = remedies.find((each) => plain === each.path || plain.startsWith(`${each.path}/`));
  return known?.refusal ?? nothingHere;
}

/** Of a path that callers chose the length of. */
const longestShown = 200;

/** The refusal for a method that a path does not have. HEAD is allowed if GET is: RFC 9110, 9.3.2. */
export function methodNotAllowed(path: string, methods: readonly string[]): Refusal {
  const possible = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const allow = possible.join(', ');
  const spoken = allow.replace(/, ([^,]*)$/, ' and $1');
  const shown = path.length > longestShown ? `${path.slice(0, longestShown)}…` : path;
  const message = `On ${shown} only ${spoken} ${possible.length === 1 ? 'is' : 'are'} possible.`;
  return new Refusal('method_not_allowed', message, { headers: { allow } });
}

/**
 * The refusal to open a WebSocket. RFC 9110, 15.5.22 and 7.8: it names the protocol to use, for this connection only. Codex
 * asks for one first, and goes on over HTTP at once; after a 405 it tries for ten seconds.
 */
export const noWebSockets = new Refusal(
  'upgrade_required',
  'There are no WebSockets here; send the request over HTTP, with "stream": true for events.',
  { headers: { upgrade: 'HTTP/1.1', connection: 'upgrade, close' } },
);

/** Whether a request asks for a WebSocket: RFC 6455, 4.1. */
export function opensWebSocket({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method !== 'GET' || headers.upgrade === undefined) return false;
  return headers.upgrade.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket');
}

function nothing(remedy: string): Refusal {
  return new Refusal('not_found', `There is nothing at this path; ${remedy}`);
}
