import type { Settings } from '../config/environment.ts';
import { type Finding, ok, someOf, warning } from './finding.ts';

/** Heroku's router: the first byte of an answer, a silence later, and from SIGTERM to SIGKILL (Dev Center). */
const [firstByteMs, silenceMs, killedMs] = [30_000, 55_000, 30_000];
const loopback = /^[a-z][a-z0-9+.-]*:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:\/|$)/;

export interface Configured {
  readonly settings: Settings;
  readonly warnings: readonly string[];
  readonly isProduction: boolean;
}

/** What is to be said of a configuration that can be started with. Pure. */
export function configurationFindings({ settings, warnings, isProduction }: Configured): Finding[] {
  const findings = [
    ...warnings.map(warningOf),
    ...adminKey(settings),
    ...production(settings, isProduction),
    ...addresses(settings, isProduction),
    ...durations(settings),
    ...logged(settings),
  ];
  const read = ok('configuration', `The configuration can be read; ${attachments(settings)}.`);
  return [read, ...findings];
}

function attachments({ attachments: all }: Settings): string {
  return `${all.length === 1 ? 'its attachment is' : 'its attachments are'} ${someOf(all.map(({ name }) => name))}`;
}

/** What the gateway's log says at its start. */
function warningOf(text: string): Finding {
  const says = text.endsWith('.') ? text : `${text}.`;
  return warning('configuration.warning', says, 'docs/configuration.md#environment-variables');
}

/** One that is set is strong, or it could not be started with. */
function adminKey({ adminKey: key, adminKeyGenerated }: Settings): Finding[] {
  const check = 'configuration.admin_key';
  if (!adminKeyGenerated) return [ok(check, `ADMIN_KEY is hard to guess (${key.length} characters).`)];
  const says = 'ADMIN_KEY is not set: the gateway makes another one at each start.';
  return [warning(check, says, 'heroku config:set ADMIN_KEY="$(openssl rand -base64 32)"')];
}

function production({ onDyno }: Settings, isProduction: boolean): Finding[] {
  if (!onDyno || isProduction) return [];
  const says = 'NODE_ENV is not production on a dyno: a missing ADMIN_KEY or store is no problem then.';
  return [warning('configuration.production', says, 'heroku config:set NODE_ENV=production')];
}

function addresses({ allowedOrigins, publicUrls, onDyno }: Settings, isProduction: boolean): Finding[] {
  const isPublic = onDyno || isProduction;
  const local = allowedOrigins.filter((origin) => loopback.test(origin));
  const plain = allowedOrigins.filter((origin) => origin.startsWith('http://') && !loopback.test(origin));
  const unreachable = publicUrls.filter((url) => url.startsWith('http://') || loopback.test(url));
  return [
    isPublic && local.length > 0
      ? warning(
          'configuration.origins',
          `ALLOWED_ORIGINS admits pages of a developer's machine: ${someOf(local)}.`,
          'Take them out, and give tokens for development a list of their own.',
        )
      : [],
    plain.length > 0
      ? warning(
          'configuration.origins',
          `ALLOWED_ORIGINS admits pages that come without TLS: ${someOf(plain)}.`,
          'Write https://; who can change such a page has its tokens.',
        )
      : [],
    isPublic && unreachable.length > 0
      ? warning(
          'configuration.public_urls',
          `PUBLIC_URLS names addresses that no page on the web uses: ${someOf(unreachable)}.`,
          'Write the address as pages have it, such as https://llm.example.com.',
        )
      : [],
  ].flat();
}

/** What Heroku ends before the gateway does. */
function durations(settings: Settings): Finding[] {
  if (!settings.onDyno) return [];
  const limits = [
    ['UPSTREAM_TIMEOUT_MS', settings.upstreamTimeoutMs, firstByteMs, 'the router has answered 503 (H12)'],
    ['FIRST_HEARTBEAT_MS', settings.firstHeartbeatMs, firstByteMs, 'the router has answered 503 (H12)'],
    ['HEARTBEAT_MS', settings.heartbeatMs, silenceMs, 'the router has ended the stream (H15)'],
    ['SHUTDOWN_GRACE_MS', settings.shutdownGraceMs, killedMs, 'the dyno has been killed'],
  ] as const;
  return limits
    .filter(([, ms, limitMs]) => ms >= limitMs)
    .map(([name, ms, limitMs, what]) =>
      warning(
        'configuration.durations',
        `${name} is ${ms}: by then ${what}.`,
        `Set it below ${limitMs}, or unset it.`,
      ),
    );
}

function logged({ logLevel }: Settings): Finding[] {
  if (!['error', 'fatal', 'silent'].includes(logLevel)) return [];
  const says = `LOG_LEVEL is ${logLevel}: the log has neither requests nor warnings.`;
  return [warning('configuration.log', says, 'heroku config:set LOG_LEVEL=info')];
}
