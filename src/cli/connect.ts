import { trimmed } from '../config/variables.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { connectToRedis } from './redis-connection.ts';
import type { Connection } from './cli.ts';

const timeoutMs = 30_000;

/** Connects as the environment says. Rejects with `CommandFailed` if it names no gateway. */
export async function connect(env: NodeJS.ProcessEnv): Promise<Connection> {
  const url = trimmed(env['TOLLGATE_URL']);
  const adminKey = trimmed(env['ADMIN_KEY']);
  if (url !== undefined && adminKey !== undefined) return connectOverHttp(url, adminKey);
  if (trimmed(env['REDIS_TLS_URL']) !== undefined || trimmed(env['REDIS_URL']) !== undefined) {
    return connectToRedis(env);
  }
  throw new CommandFailed(
    url === undefined
      ? 'No gateway is configured. Set TOLLGATE_URL and ADMIN_KEY, or set REDIS_URL to work on its Redis directly.'
      : 'TOLLGATE_URL is set, but ADMIN_KEY is not.',
    exitCodes.misused,
  );
}

function connectOverHttp(url: string, adminKey: string): Connection {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
    throw new CommandFailed(
      'TOLLGATE_URL must be a URL such as https://my-gateway.herokuapp.com.',
      exitCodes.misused,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(adminKey)) {
    throw new CommandFailed('ADMIN_KEY must be visible ASCII without spaces.', exitCodes.misused);
  }
  return {
    async send(path, init) {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${adminKey}`);
      const target = base.origin + base.pathname.replace(/\/+$/, '') + path;
      try {
        // A redirect must not carry the key to another host.
        return await fetch(target, {
          ...init,
          headers,
          redirect: 'manual',
          signal: init.signal ?? AbortSignal.timeout(timeoutMs),
        });
      } catch (error) {
        throw unreachable(base, error);
      }
    },
    close: () => {},
  };
}

function unreachable({ origin, port }: URL, error: unknown): CommandFailed {
  if (error instanceof Error && error.cause instanceof Error && error.cause.message === 'bad port') {
    const blocked = `Port ${port} is blocked: like browsers, this program never connects to it.`;
    return new CommandFailed(`${blocked} Let the gateway listen on another port.`, exitCodes.misused);
  }
  return new CommandFailed(`${origin} cannot be reached (${reasonOf(error)}).`, exitCodes.unreachable);
}

/** The code behind a failed fetch (ECONNREFUSED, …). Its message may quote what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
