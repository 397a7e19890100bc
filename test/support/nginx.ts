import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNginx } from '../../scripts/find-nginx.ts';
import { dieWithMe } from './die-with-me.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** A real nginx on a free loopback port that passes everything to `target`, with nginx's defaults. */
export async function startNginx(target: string): Promise<Nginx> {
  const command = findNginx();
  if (command === null) throw new Error('There is no nginx: scripts/ensure-nginx.ts gets one.');
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-nginx-'));
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  await writeFile(config, configFor({ directory, port, target }));
  const child = spawn(command, ['-p', directory, '-e', 'stderr', '-c', config], { stdio: 'ignore' });
  dieWithMe(child);
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/healthz`)).ok, { what: 'nginx' });
  return {
    url,
    async stop(): Promise<void> {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function configFor({ directory, port, target }: { directory: string; port: number; target: string }): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
events {}
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${target}; }
  }
}
`;
}
