import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { dieWithMe } from '../../support/die-with-me.ts';
import { freePort } from '../../support/free-port.ts';
import { waitFor } from '../../support/wait-for.ts';

const stops: (() => void)[] = [];

/** The server with a standard output that nobody reads. */
async function startUnread(): Promise<{ url: string; closeReader: () => void }> {
  const port = await freePort();
  const child = spawn(process.execPath, ['test/support/fixtures/lifecycle-server.ts'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  dieWithMe(child);
  stops.push(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 10_000, what: 'the server' });
  return { url, closeReader: () => child.stdout.destroy() };
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
});
