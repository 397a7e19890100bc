import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisStore } from '../../../src/store/redis.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { freePort } from '../../support/free-port.ts';
import { startGateway } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';

let directory: string;
let redis: RedisServer;
let url: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tollgate-tls-'));
  const key = join(directory, 'key.pem');
  const cert = join(directory, 'cert.pem');
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  await promisify(execFile)('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert]);
  const port = await freePort();
  const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key];
  redis = await startRedis({ args: [...tls, '--tls-auth-clients', 'no'] });
  url = `rediss://127.0.0.1:${port}`;
});

afterAll(async () => {
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('a rediss:// store with a self-signed certificate, as Heroku has', () => {
  it('is used', async () => {
    const gateway = await startGateway({ redis: { url } });
    try {
      const token = await gateway.issue();
      const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
      expect(reply.status).toBe(200);
      expect(await gateway.settled(token.team, 1)).toHaveLength(1);
    } finally {
      await gateway.close();
    }
  });

  it('is refused where REDIS_TLS_VERIFY asks for a certificate that can be verified', async () => {
    const reasons: string[] = [];
    const store = new RedisStore({
      url,
      verifyTls: true,
      commandTimeoutMs: 1_000,
      onDown: ({ message }) => reasons.push(message),
    });
    try {
      store.connect();
      await expect(store.whenReady(1_000)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(reasons).toEqual([expect.stringContaining('self-signed certificate')]);
    } finally {
      store.close();
    }
  });
});
