import type { ServerResponse } from 'node:http';
import type { Refusal } from '../base/refusal.ts';

/** Sends a refusal, with the body its path's clients read. `headers` is a flat list of names and values. */
export function sendRefusal(
  outgoing: ServerResponse,
  refusal: Refusal,
  { body, headers }: { body: object; headers: readonly string[] },
): void {
  const flat = [...headers];
  for (const [name, value] of Object.entries(refusal.headers)) flat.push(name, value);
  sendJson(outgoing, body, { status: refusal.status, headers: flat });
}

/** Sends a JSON value whole, unless an answer has begun or the caller is gone. */
export function sendJson(
  outgoing: ServerResponse,
  value: unknown,
  { status, headers }: { status: number; headers: readonly string[] },
): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  const own = ['content-type', 'application/json', 'content-length', String(body.length)];
  outgoing.writeHead(status, [...headers, ...own]);
  outgoing.end(body);
}
