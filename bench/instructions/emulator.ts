import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { InstructionCounter } from './counter.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('count.c', import.meta.url));
const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };
/** Of QEMU's plugin interface, the newest first: QEMU 9 no longer takes 1, QEMU 7 does not know 2. */
const apiVersions = [2, 1];

/** QEMU in user mode for this machine's own processor, which runs the program some ten times slower. */
export const emulatorCommand = `qemu-${machines[process.arch] ?? process.arch}`;

/** QEMU with a plugin that counts; null if there is no QEMU or no gcc, or if they do not fit together. */
export async function emulator(): Promise<InstructionCounter | null> {
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
  let programs = 0;
  for (const version of apiVersions) {
    const plugin = join(directory, `count-${version}.so`);
    const countable: InstructionCounter['countable'] = (command, args) => {
      const file = join(directory, `count-${programs++}`);
      return {
        command: emulatorCommand,
        args: ['-plugin', `${plugin},out=${file}`, command, ...args],
        during: async (_pid, work) => {
          const before = await countIn(file);
          await work();
          return (await countIn(file)) - before;
        },
      };
    };
    try {
      await run('gcc', ['-shared', '-fPIC', '-O2', `-DAPI_VERSION=${version}`, '-o', plugin, source]);
      const trial = countable(process.execPath, ['--version']);
      await run(trial.command, trial.args);
      return { name: `${emulatorCommand} ${await versionOf(emulatorCommand)}`, countable };
    } catch {
      // The next version, or none.
    }
  }
  return null;
}

async function countIn(file: string): Promise<number> {
  return Number((await readFile(file)).readBigUInt64LE());
}

async function versionOf(command: string): Promise<string> {
  const { stdout } = await run(command, ['--version']);
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout)?.[0] ?? '';
}
