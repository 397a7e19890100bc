import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sender } from '../../../src/webhooks/sender.ts';
import type { TryOutcome } from '../../../src/webhooks/try-outcome.ts';
import type { SentEvent } from '../../../src/webhooks/waiting.ts';
import { signingSecret, webhookRecord } from '../../support/webhooks.ts';

const event: SentEvent = {
  id: '1-0',
  timeMs: Date.UTC(2027, 0, 4),
  type: 'webhook.test',
  team: null,
  data: { webhook: 'wh_000000000001', actor: 'root' },
};

describe('a receiver with https', () => {
  let directory: string;
  let server: Server;
  let port: number;
  let certificate: string;
  const usual = getCACertificates('default');
  const seen: { servername: unknown; host: unknown; verified: unknown }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tollgate-https-'));
    const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const name = ['-subj', '/CN=hooks.test', '-addext', 'subjectAltName=DNS:hooks.test'];
    const options = [
      ...name,
      '-days',
      '2',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ];
    await promisify(execFile)('openssl', ['req', '-x509', ...options]);
    certificate = await readFile(certFile, 'utf8');
    server = createServer({ key: await readFile(keyFile), cert: certificate }, (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const { headers } = request;
        const verified = new Verifier(signingSecret(1)).verify(body, headers as Record<string, string>);
        seen.push({ servername: (request.socket as TLSSocket).servername, host: headers.host, verified });
        response.writeHead(200).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo); // it listens on a port
  });
  afterAll(async () => {
    setDefaultCACertificates(usual);
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const send = (name: string): Promise<TryOutcome> => {
    const webhook = webhookRecord({
      url: `https://${name}:${port}/in`,
      secrets: [{ text: signingSecret(1) }],
    });
    const sender = new Sender({
      privateHosts: new Set([name]),
      version: '1.2.3',
      timeoutMs: 60_000,
      resolve: () => Promise.resolve(['127.0.0.1']),
    });
    return sender.send(webhook, event, Date.now());
  };

  it('gets nothing unless its certificate is trusted', async () => {
    expect(await send('hooks.test')).toMatchObject({ kind: 'failed', status: null, error: 'tls' });
    expect(seen).toEqual([]);
  });

  it('gets events at the address that was checked, by its name', async () => {
    setDefaultCACertificates([...usual, certificate]);
    expect(await send('hooks.test')).toEqual({ kind: 'taken', status: 200 });
    expect(seen).toMatchObject([
      { servername: 'hooks.test', host: `hooks.test:${port}`, verified: { type: 'webhook.test' } },
    ]);
  });

  it('gets nothing under a name that its certificate does not have', async () => {
    setDefaultCACertificates([...usual, certificate]);
    expect(await send('other.test')).toMatchObject({ kind: 'failed', status: null, error: 'tls' });
    expect(seen.some(({ servername }) => servername === 'other.test')).toBe(false);
  });
});
