import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { planInstall, type Machine, type Plan } from './install-plan.ts';

/** What the tests need a machine to have. */
const neededMajor = 14;

/** Where Debian and Homebrew keep the programs of a server. */
const places = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'];

/** The folder of the newest `postgres` and `initdb` on this machine; null if there is none. */
export function postgresPrograms(): { version: number; folder: string } | null {
  const found = places.flatMap((place) =>
    versionsIn(place).map(({ name, version }) => ({ version, folder: join(place, name, 'bin') })),
  );
  return found.sort((a, b) => b.version - a.version)[0] ?? null;
}

function versionsIn(place: string): { name: string; version: number }[] {
  try {
    return readdirSync(place).flatMap((name) => {
      const [, version] = /^(?:postgresql@)?(\d+)$/.exec(name) ?? [];
      return version === undefined ? [] : [{ name, version: Number(version) }];
    });
  } catch {
    return [];
  }
}

/** Whether there is a Postgres fit for the tests, or how to get one. `version` is its major; null if there is none. */
export function planPostgres(version: number | null, machine: Machine): Plan {
  if (version !== null && version >= neededMajor) return { action: 'use', found: `Postgres ${version}` };
  const problem =
    version === null
      ? `The tests need Postgres ${neededMajor} or later, and there is none on this machine.`
      : `The tests need Postgres ${neededMajor} or later; the newest on this machine is ${version}.`;
  const need = { problem, aptPackage: 'postgresql', otherCommands: ['brew install postgresql@17   (macOS)'] };
  return planInstall(need, machine);
}
