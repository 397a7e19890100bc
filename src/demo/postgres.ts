import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/* A Postgres of this machine's own programs, for the demo and for tests. */

/** Where Debian and Homebrew keep the programs of a server. */
const places = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'];

export interface Programs {
  /** The major version. */
  version: number;
  /** Where `postgres` and `initdb` are. */
  folder: string;
}

/** The newest Postgres on this machine; null if there is none. */
export function postgresPrograms(): Programs | null {
  const found = places.flatMap((place) =>
    versionsIn(place).map(({ name, version }) => ({ version, folder: join(place, name, 'bin') })),
  );
  const whole = found.filter(({ folder }) => existsSync(join(folder, 'initdb')));
  return whole.sort((a, b) => b.version - a.version)[0] ?? null;
}

function versionsIn(place: string): { name: string; version: number }[] {
  if (!existsSync(place)) return [];
  return readdirSync(place).flatMap((name) => {
    const [, version] = /^(?:postgresql@)?(\d+)$/.exec(name) ?? [];
    return version === undefined ? [] : [{ name, version: Number(version) }];
  });
}

/** Whose files the server's are. Postgres refuses to run as root: then its package's account, or nobody. */
export function postgresAccount(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
}

function idOf(option: '-u' | '-g'): number {
  const { stdout, status } = spawnSync('id', [option, 'postgres'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : 65_534;
}

/** Makes the files of a server in `directory`, unless they are there. Returns where they are. */
export function makeData({ folder }: Programs, directory: string): string {
  const { uid, gid } = postgresAccount();
  mkdirSync(directory, { recursive: true });
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
  const data = join(directory, 'data');
  if (existsSync(join(data, 'PG_VERSION'))) return data;
  const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  const made = spawnSync(join(folder, 'initdb'), ['-D', data, ...options], {
    ...postgresAccount(),
    cwd: directory,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  return data;
}

interface Launch {
  directory: string;
  data: string;
  port: number;
  /** More command line for the server. */
  args?: readonly string[];
}

/** Starts the server on a loopback port. Commits are left to the system to write: only its crash would lose them. */
export function launchPostgres(
  { folder }: Programs,
  { directory, data, port, args = [] }: Launch,
): ChildProcess {
  const place = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory];
  return spawn(join(folder, 'postgres'), [...place, '-F', ...args], {
    ...postgresAccount(),
    cwd: directory,
    stdio: 'ignore',
  });
}
