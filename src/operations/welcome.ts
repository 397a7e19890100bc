import { z } from 'zod';
import { escaped } from '../base/html.ts';
import { shellWord } from '../base/shell-word.ts';
import { blockHtml, pageHtml } from '../edge/page.ts';

/** What `GET /` answers to a program. */
export const welcomeText = {
  name: 'Tollgate',
  what: 'An authenticating reverse proxy for Heroku Managed Inference.',
  next: {
    console: 'GET /console with a browser',
    call: 'POST /v1/chat/completions, or another endpoint of /openapi.json, with Authorization: Bearer <token>',
    models: 'GET /v1/models with your token',
    limits: 'GET /v1/me with your token',
    administer: 'POST /admin/teams with Authorization: Bearer <ADMIN_KEY>',
    health: 'GET /healthz, GET /readyz',
    describe: 'GET /openapi.json (OpenAPI 3.1), GET /docs (the same as a page)',
  },
};

/** Its shape. */
export const welcomeResponse = z
  .object({ name: z.string(), what: z.string(), next: z.record(z.string(), z.string()) })
  .meta({ id: 'Welcome' });

/** What the page says about this gateway; nothing in it is secret. */
export interface Deployment {
  /** Its address, as the request names it. */
  origin: string;
  onDyno: boolean;
  /** The app's name on Heroku, if it is known. */
  appName: string | null;
  store: 'redis' | 'memory';
  /** Whether Postgres keeps what must last. */
  hasRecords: boolean;
  /** A chat model that it serves; null if none is known. */
  chatModel: string | null;
}

/** What `GET /` shows a person, who may just have deployed it. Every command works as it is pasted. */
export function welcomePage(deployment: Deployment): string {
  return pageHtml({
    title: 'Tollgate is running',
    content: `<p>It holds the keys of Heroku Managed Inference, gives people tokens of their own, enforces limits that a
whole team shares, and records who used what.</p>
${forgetting(deployment)}
<h2>1. Find ADMIN_KEY</h2>
${adminKeyHtml(deployment)}
<h2>2. Open the console and sign in with it</h2>
<p>It takes you from here to a first answer: a team, a user, a limit, a token, and a call.</p>
<p><a class="button primary" href="/console">Open the console</a></p>
<h2>Or do the same in a shell</h2>
${shellHtml(deployment)}
<h2>Where to go next</h2>
<p><a href="/docs">The API</a> has every operation, with examples. For programs: <a href="/openapi.json">/openapi.json</a>.
<span class="quiet">Health: /healthz and /readyz. Metrics, for Prometheus and with ADMIN_KEY: /metrics.</span></p>`,
  });
}

/** On Heroku its name is needed to address it: a variable says it, or the host, such as `my-app-1a2b3c4d5e6f.herokuapp.com`. */
export function appNameFrom(variable: string | undefined, host: string | undefined): string | null {
  if (variable !== undefined && appName.test(variable)) return variable;
  const [, label = ''] = /^([a-z0-9-]+)\.herokuapp\.com$/.exec(host ?? '') ?? [];
  const name = label.replace(/-[0-9a-f]{12}$/, '');
  return appName.test(name) ? name : null;
}

/** Dev Center, "Renaming apps": what names may look like. */
const appName = /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/;

function adminKeyHtml({ onDyno, appName: name }: Deployment): string {
  if (!onDyno) {
    return `<p>It is in the environment of the process. If it is not set there, and <code>NODE_ENV</code> is not
<code>production</code>, each start makes one and prints it.</p>`;
  }
  const settings =
    name === null
      ? 'the Dashboard'
      : `<a href="https://dashboard.heroku.com/apps/${escaped(name)}/settings" rel="noreferrer">the Dashboard</a>`;
  return `<p>It is one of the app's config vars. In ${settings}: Settings → Config Vars → Reveal Config Vars. In a shell, with
the Heroku CLI:</p>
${blockHtml(keyCommand(name), 'the command that prints ADMIN_KEY')}`;
}

function keyCommand(name: string | null): string {
  return name === null
    ? `printf 'Name of the Heroku app: ' && read -r APP && heroku config:get ADMIN_KEY -a "$APP"`
    : `heroku config:get ADMIN_KEY -a ${name}`;
}

function shellHtml({ origin, onDyno, appName: name, chatModel }: Deployment): string {
  return `<p>In bash or zsh. The address and the key:</p>
${blockHtml(`URL=${shellWord(origin)}\n${setKey(onDyno, name)}`, 'the commands that set the address and the key')}
<p>A team with a limit, a user and a token, which the last line shows:</p>
${blockHtml(identityCommands, 'the commands that make a token')}
<p>A first call with it:</p>
${blockHtml(callCommand(chatModel), 'the command of a first call')}`;
}

const identityCommands = `\
admin() {
  curl -sS "$URL/admin/$1" -H "Authorization: Bearer $ADMIN_KEY" -d "$2"; echo
}
admin teams '{"id":"acme",
  "limits":[{"metric":"tokens","window":"day","max":100000}]}'
admin teams/acme/users '{"id":"ana"}'
TOKEN="$(admin teams/acme/tokens '{"user":"ana"}' |
  grep -oE 'tgk_[0-9A-Za-z]{44}')"
echo "$TOKEN"`;

/** A key that is typed is not shown, and gets into no history. What reads it is the last line, or it would read the next. */
function setKey(onDyno: boolean, name: string | null): string {
  if (onDyno && name !== null) return `ADMIN_KEY="$(${keyCommand(name)})"`;
  return `printf 'ADMIN_KEY: '; read -rs ADMIN_KEY; echo`;
}

function callCommand(model: string | null): string {
  if (model === null) return `curl "$URL/v1/models" -H "Authorization: Bearer $TOKEN"`;
  const body = { model, messages: [{ role: 'user', content: 'Hello' }] };
  return `curl "$URL/v1/chat/completions" \\
  -H "Authorization: Bearer $TOKEN" \\
  -d ${shellWord(JSON.stringify(body))}`;
}

/** What a restart of the store takes away. */
function forgetting({ store, hasRecords, appName: name, onDyno }: Deployment): string {
  if (hasRecords) return '';
  const app = name === null ? '' : ` -a ${name}`;
  const attach = onDyno
    ? `\n${blockHtml(`heroku addons:create heroku-postgresql:essential-0 --as DATABASE${app}`, 'the command that adds Postgres')}`
    : '';
  const what =
    store === 'memory'
      ? `<strong>Everything here is kept in memory.</strong> Teams, tokens, limits and the ledger are gone when the process
restarts${onDyno ? ', as every dyno does once a day' : ''}. Set <code>REDIS_URL</code> and <code>DATABASE_URL</code> before
others rely on it.`
      : `<strong>Redis alone keeps everything.</strong> A mini plan of Heroku Key-Value Store forgets it all when it
restarts: teams, tokens, what was spent. With <code>DATABASE_URL</code>, Postgres keeps the ledger, the audit trail and
all identities, and restores a store that comes back empty.`;
  return `<div class="warning"><p>${what}</p>${attach}</div>`;
}
