import { randomBytes } from 'node:crypto';
import { type StandIn, startStandIn } from '../../support/stand-in.ts';
import {
  type Administration,
  administrationOf,
  type IssuedToken,
  type NewToken,
} from '../../support/gateway.ts';
import { spawnGateway } from '../../support/spawn-gateway.ts';
import type { Connection } from './client.ts';

/** A gateway in a process of its own, as `npm start` runs it, in front of a stand-in for Heroku Inference. */
export interface Site extends Administration {
  readonly url: string;
  readonly upstream: StandIn;
  /** A connection with a token of a new team. */
  connect(wanted?: NewToken): Promise<Connection & { issued: IssuedToken }>;
  close(): Promise<void>;
}

export async function startSite(env: Readonly<Record<string, string>> = {}): Promise<Site> {
  const upstream = await startStandIn();
  const adminKey = randomBytes(24).toString('hex');
  const gateway = await spawnGateway({
    env: {
      ADMIN_KEY: adminKey,
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
      SHUTDOWN_GRACE_MS: '100',
      ...env,
    },
  });
  const administration = administrationOf(gateway.url, adminKey);
  return {
    ...administration,
    url: gateway.url,
    upstream,
    connect: async (wanted) => {
      const issued = await administration.issue(wanted);
      return { url: gateway.url, token: issued.text, issued };
    },
    close: async () => {
      await gateway.stop();
      await upstream.close();
    },
  };
}
