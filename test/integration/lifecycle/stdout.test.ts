import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { dieWithMe } from '../../support/die-with-me.ts';
import { freePort } from '../../support/free-port.ts';
import { waitFor } from '../../support/wait-for.ts';

const stops: (() => void)[] = [];

/** The server with a standard output that nobody reads. */
async function startUnread(): Promise<{ url: string; child: ChildProcess; closeReader: () => void }> {
  const port = await freePort();
  const child = spawn(process.execPath, ['test/support/fixtures/lifecycle-server.ts'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  dieWithMe(child);
  stops.push(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 30_000, what: 'the server' });
  return { url, child, closeReader: () => child.stdout.destroy() };
}

async function ask(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(3_000) })).text();
}

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

describe('a log reader', () => {
  it('that does not read keeps no request waiting', async () => {
    const { url } = await startUnread();
    for (let round = 0; round < 10; round++) expect(await ask(`${url}/log`)).toBe('logged'); // 10 MB
    expect(await ask(`${url}/pid`)).toMatch(/^\d+$/);
  });

  it('that goes away takes nothing with it', async () => {
    const { url, closeReader } = await startUnread();
    closeReader();
    expect(await ask(`${url}/log`)).toBe('logged');
    expect(await ask(`${url}/log`)).toBe('logged');
    expect(await ask(`${url}/pid`)).toMatch(/^\d+$/);
  });

  it('that is slow has every line before the process ends', async () => {
    const { url, child } = await startUnread();
    expect(await ask(`${url}/log`)).toBe('logged'); // 1 MB, of which a pipe holds 64 kB
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const lines = (await slowlyRead(child)).trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('xxxx'))).toHaveLength(2_000);
    expect(lines.at(-1)).toContain('"msg":"shut down"');
    expect((await exited)[0]).toBe(0);
  });
});

/** A few kB in each turn, as a collector of logs takes them. */
async function slowlyRead({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return text;
}
