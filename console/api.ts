/* The gateway's API as the console's session may use it. Nothing here decides what one may do: the gateway does. */

const prefix = '/console/api';

/** Why a request was refused, in the gateway's words. */
export interface Problem {
  /** 0: no answer of the gateway tells it. */
  status: number;
  message: string;
  code: string | null;
  /** The field that is wrong. */
  param: string | null;
  /** Other fields that are wrong. */
  details: readonly { param: string; message: string }[];
}

export type Answer<T> = { ok: true; value: T; etag: string | null } | { ok: false; problem: Problem };

export interface Page<Row> {
  data: Row[];
  next_cursor?: string | null;
}

export interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** From an earlier answer: the change is refused if somebody else has changed the record since. */
  etag?: string | null;
  signal?: AbortSignal;
}

let whenSignedOut: (message: string) => void = () => {};

/** Calls `listener` when the session has ended. */
export function onSignedOut(listener: (message: string) => void): void {
  whenSignedOut = listener;
}

/** Asks the API. Never rejects: whatever goes wrong is a problem with a sentence for people. */
export async function ask<T>(path: string, asked: Asked = {}): Promise<Answer<T>> {
  if (!isAsWritten(path))
    return { ok: false, problem: { ...problemOf('There is no such record.'), status: 404 } };
  try {
    const response = await send(prefix + path, asked);
    const text = await response.text();
    if (response.ok) {
      const value = (text === '' ? null : JSON.parse(text)) as T;
      return { ok: true, value, etag: response.headers.get('etag') };
    }
    const problem = problemIn(response.status, text);
    if (response.status === 401 && path !== '/session') whenSignedOut(problem.message);
    return { ok: false, problem };
  } catch (error) {
    if (asked.signal?.aborted) return { ok: false, problem: problemOf('') };
    const why = error instanceof SyntaxError ? 'sent something that is not JSON' : 'cannot be reached';
    return { ok: false, problem: problemOf(`The gateway ${why}. Check your connection and try again.`) };
  }
}

/**
 * Whether a browser asks for a path as it is written. A name may come from a link that somebody else made: `..` in place
 * of a user would suspend the team.
 */
function isAsWritten(path: string): boolean {
  const [written = ''] = path.split('?', 1);
  return new URL(written, 'https://gateway.invalid').pathname === written;
}

function send(url: string, { method = 'GET', body, etag = null, signal }: Asked): Promise<Response> {
  const headers: Record<string, string> = { 'x-tollgate-console': '1' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (etag !== null) headers['if-match'] = etag;
  return fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
    cache: 'no-store',
  });
}

/** A problem that no answer of the gateway tells. */
export function problemOf(message: string): Problem {
  return { status: 0, message, code: null, param: null, details: [] };
}

/** The error of an answer. A router between may have sent another body. */
export function problemIn(status: number, text: string): Problem {
  try {
    const { error } = JSON.parse(text) as { error: Partial<Problem> };
    const { message = '', code = null, param = null, details = [] } = error;
    return { status, message, code, param, details };
  } catch {
    return { ...problemOf(`The gateway answered ${status}. Try again in a moment.`), status };
  }
}

/** The address of a file with the same rows, for a link. */
export function fileUrl(path: string): string {
  return prefix + path;
}

/** A path with the parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
