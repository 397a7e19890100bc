import { getRequestListener } from '@hono/node-server';
import type { IncomingMessage, RequestListener } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { clientAddress } from './base/client-address.ts';
import { corsBelowRoutes } from './base/cors.ts';
import { restoreFastPrototypes } from './base/fast-prototypes.ts';
import { Refusal } from './base/refusal.ts';
import { installCrashGuards, onStopSignals, onPrimaryLost } from './lifecycle/signals.ts';
import { createHttpServer } from './lifecycle/http-server.ts';
import { namedHeaders } from './lifecycle/security-headers.ts';
import { createShutdown } from './lifecycle/shutdown.ts';
import type { Settings } from './config/environment.ts';
import { secretsIn } from './config/secrets.ts';
import { Metrics } from './observability/metrics.ts';
import { version } from './operations/version.ts';
import { telemetryOf } from './telemetry/start.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { endpoints } from './validation/registry.ts';
import { wire } from './wire.ts';

/** An unreachable store must not keep the gateway from listening: Heroku waits 60 s for that. */
const identitiesWaitMs = 10_000;

/** Heroku's router learns that a dyno ends at about the time of its SIGTERM. Until then, requests still come. */
const routerLagMs = 2_000;

interface ServeOptions extends Omit<Parameters<typeof wire>[0], 'metrics' | 'draining'> {
  exit: (code: number) => void;
}

/**
 * V8 collects young objects on several threads at once. Where cores are few and busy, those threads wait for one, and each
 * request under way waits for them: at 500 requests a second on two cores the p99 was 31 ms, and is 12 without them.
 */
function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/** Runs the gateway in this process until a signal ends it. Resolves when it listens. */
export async function serve(options: ServeOptions) {
  const { settings, clock, log, exit } = options;
  const metrics = new Metrics({ version, dyno: settings.dyno, endpoints: endpoints.map(({ path }) => path) });
  const telemetry = await pushedTelemetry({ ...options, metrics });
  restoreFastPrototypes();
  collectAlone();
  const wired = wire({ ...options, metrics, telemetry, draining: () => shutdown.draining });
  const server = createHttpServer({
    listener: nodeListener(wired.app),
    ...serverBounds(settings),
    budget: wired.budget,
    onRefused: (refusal, requestId) => wired.noteUnrouted(refusal, requestId),
    httpsOnly: settings.onDyno,
    routerLagMs: settings.onDyno ? routerLagMs : 0,
    isBusy: () => wired.isBusy(),
  });
  const shutdown: ReturnType<typeof createShutdown> = createShutdown({
    server,
    graceMs: settings.shutdownGraceMs,
    endRemaining: () => wired.endRemaining(),
    drained: () => wired.drained(),
    log,
    clock,
    exit,
  });
  const begin = (reason: string): void => void shutdown.begin(reason);
  installCrashGuards(log);
  onStopSignals({ begin, exit, clock });
  onPrimaryLost(begin);
  wired.start();
  await wired.identitiesLoaded(identitiesWaitMs);
  const { port, host } = settings;
  const address = await server.listen(host === undefined ? { port } : { port, host });
  log.info('listening', { port: address.port, version });
  return { address, shutdown };
}

/** What is sent to a collector; null if nothing is. */
export function pushedTelemetry({
  settings,
  issuers,
  ...parts
}: Pick<
  Parameters<typeof wire>[0],
  'settings' | 'issuers' | 'metrics' | 'clock' | 'log'
>): Promise<Telemetry | null> {
  const { telemetry, dyno, herokuApp, herokuDynoId, onDyno } = settings;
  const kinds = new Map(endpoints.map(({ path, modelKind }) => [path, modelKind]));
  return telemetryOf(telemetry, {
    ...parts,
    process: { version, dyno, herokuApp, herokuDynoId, onDyno },
    kindOf: (route) => kinds.get(route) ?? null,
    secrets: secretsIn(settings, issuers),
  });
}

/** What the server in front of the routes takes, and for how long. */
export function serverBounds({ bodyTimeoutMs, readerTimeoutMs, maxConnections, onDyno }: Settings) {
  const addressOf = ({ headers, socket }: IncomingMessage): string =>
    clientAddress({ forwardedFor: headers['x-forwarded-for'], peer: socket.remoteAddress }, onDyno);
  return { bodyTimeoutMs, readerTimeoutMs, maxConnections, addressOf };
}

/** Bodies are read, and answers mostly written, on Node's own objects, so Hono must not clean up after them. */
export function nodeListener(app: ReturnType<typeof wire>['app']): RequestListener {
  const listen = getRequestListener(app.hono.fetch, {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: unreadable,
  });
  return (incoming, outgoing) => {
    if (!app.forwards({ incoming, outgoing })) void listen(incoming, outgoing);
  };
}

/** The answer to what node-server cannot parse, such as `OPTIONS *`. */
function unreadable(): Response {
  const refusal = new Refusal('invalid_request', 'The request line is not a path on this server.');
  return Response.json(refusal.body(null), {
    status: refusal.status,
    headers: namedHeaders(corsBelowRoutes(null)),
  });
}
