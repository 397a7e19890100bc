import type { IncomingHttpHeaders } from 'node:http';

/**
 * The headers of a request to the upstream (contract 1.4): ours, and those of the caller's that Heroku documents. A list
 * of what may pass, so that no credential, cookie or address of the caller does.
 */
export function upstreamHeaders(
  caller: IncomingHttpHeaders,
  sent: { key: string; requestId: string; stream: boolean; pinned?: boolean },
): string[] {
  const { key, requestId, stream, pinned = false } = sent;
  const headers = [
    'authorization',
    `Bearer ${key}`,
    'content-type',
    'application/json',
    'accept',
    stream ? 'text/event-stream' : 'application/json',
    // Usage is read from the bytes as they pass, so they must not be compressed.
    'accept-encoding',
    'identity',
    'x-request-id',
    requestId,
  ];
  for (const name in caller) {
    // If the request is pinned, its visitor must not choose what these switch on.
    if (name !== 'x-heroku-prompt-caching' && (pinned || !name.startsWith('anthropic-'))) continue;
    const value = caller[name];
    if (typeof value === 'string') headers.push(name, value);
  }
  return headers;
}

/** The `anthropic-beta` header that is sent on; empty if there is none. */
export function betasSentOn(caller: IncomingHttpHeaders, pinned: boolean): string {
  const betas = pinned ? undefined : caller['anthropic-beta'];
  return typeof betas === 'string' ? betas : '';
}
