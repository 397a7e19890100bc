import { spawn } from 'node:child_process';
import type { Connection } from '../support/client.ts';

/** What curl printed, and its exit code. */
export class CurlFailed extends Error {
  readonly stdout: string;
  constructor(stdout: string, stderr: string) {
    super(stderr);
    this.stdout = stdout;
  }
}

/** The lines of Dev Center: a Bearer, the body by `-d @-`, and no content type, so that it goes out as a form. */
export async function* curl(
  { url, token }: Connection,
  {
    path,
    body,
    signal,
    args = [],
  }: { path: string; body?: object; signal?: AbortSignal | undefined; args?: string[] },
): AsyncGenerator<string> {
  const data = body ? ['-d', '@-'] : [];
  const child = spawn(
    'curl',
    ['-sSN', ...args, `${url}${path}`, '-H', `Authorization: Bearer ${token}`, ...data],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], no_proxy: '*' },
      ...(signal ? { signal } : {}),
    },
  );
  const closed = Promise.withResolvers<number | null>();
  child.once('error', closed.reject).once('close', closed.resolve);
  closed.promise.catch(() => undefined); // looked at below
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(body ? JSON.stringify(body) : '');
  let stdout = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    stdout += text as string;
    yield text as string;
  }
  if ((await closed.promise) !== 0) throw new CurlFailed(stdout, stderr);
}

/** The JSON of a plain call; throws where it is refused. */
export async function call<T>(at: Connection, path: string, body?: object): Promise<T> {
  const pieces = await Array.fromAsync(
    curl(at, { path, args: ['--fail-with-body'], ...(body ? { body } : {}) }),
  );
  return JSON.parse(pieces.join('')) as T;
}
