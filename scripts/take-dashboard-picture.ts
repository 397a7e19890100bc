import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { administrationOf, models } from '../test/support/gateway.ts';
import { paths } from '../test/support/gateway-client.ts';
import { dashboard, filledIn, type Panel, type Target } from '../test/support/operations.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { type Prometheus, type Series, startPrometheus } from '../test/support/prometheus.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { spawnGateway } from '../test/support/spawn-gateway.ts';
import { startStandIn } from '../test/support/stand-in.ts';
import { jsonStringError } from '../test/support/upstream-scripts.ts';
import { draw } from './draw-dashboard.ts';
import type { Found, Span } from './draw-panel.ts';
import { findChromium } from './find-chromium.ts';

/*
 * `npm run dashboard-pictures`: draws the dashboards for the docs. Two gateways answer made-up teams for some minutes, a
 * real Prometheus scrapes them, and every panel shows what its queries find there. `PICTURE_SECONDS` says for how long.
 */

const seconds = Number(process.env['PICTURE_SECONDS'] ?? 420);
const job = 'tollgate';
const adminKey = 'admin-key-of-the-pictures-0123456789abcdef';
/** What models cost here; Heroku's prices are not published. */
const prices: Readonly<Record<string, readonly [input: number, output: number]>> = {
  'claude-4-5-haiku': [1, 5],
  'claude-4-5-sonnet': [3, 15],
  'nova-pro': [0.8, 3.2],
};
const haiku = { path: paths.chat, model: 'claude-4-5-haiku' };
const sonnet = { path: paths.messages, model: 'claude-4-5-sonnet' };
const nova = { path: paths.chat, model: 'nova-pro' };
const embeddings = { path: paths.embeddings, model: models.embeddings };
/** Who asks how often, in seconds between two requests. */
const people = [
  { team: 'website', ...haiku, everyS: 0.25, limit: { metric: 'tokens', window: 'day', max: 250_000 } },
  { team: 'data', ...nova, everyS: 0.5, limit: { metric: 'requests', window: 'day', max: 1_000 } },
  { team: 'search', ...embeddings, everyS: 0.6, limit: { metric: 'requests', window: 'month', max: 20_000 } },
  { team: 'support', ...sonnet, everyS: 1, limit: { metric: 'cost_usd', window: 'month', max: 0.55 } },
  { team: 'interns', ...haiku, everyS: 2, limit: { metric: 'requests', window: 'day', max: 120 } },
] as const;

const [redis, postgres, upstream] = await Promise.all([
  startRedis({ args: ['--maxmemory', '25mb'] }),
  startPostgres(),
  startStandIn({ wordDelayMs: 25 }),
]);
const env = {
  ADMIN_KEY: adminKey,
  REDIS_URL: redis.url,
  DATABASE_URL: await postgres.database(),
  INFERENCE_URL: upstream.url,
  INFERENCE_KEY: upstream.key,
  SECOND_URL: upstream.url,
  SECOND_KEY: upstream.key,
};
const gateways = await Promise.all([spawnGateway({ env }), spawnGateway({ env })]);
const targets = gateways.map(({ port }) => `127.0.0.1:${port}`);
const prometheus = await startPrometheus({ jobs: [{ job, targets, credential: adminKey }], everyS: 2 });
const ended = new AbortController();
try {
  const asking = everybodyAsks(ended.signal);
  await sleep(seconds * 500);
  upstream.script((req, res, body) => Math.random() < 0.7 && jsonStringError(503)(req, res, body));
  await sleep(seconds * 80);
  upstream.script(null);
  await sleep(seconds * 420);
  await takePictures(prometheus);
  ended.abort();
  await asking;
} finally {
  await prometheus.stop();
  await Promise.all(gateways.map((gateway) => gateway.stop('SIGKILL')));
  await Promise.all([upstream.close(), redis.stop(), postgres.stop()]);
}

async function everybodyAsks(signal: AbortSignal): Promise<void> {
  const administration = administrationOf(gateways[0]?.url ?? '', adminKey);
  for (const [model, [input, output]] of Object.entries(prices)) {
    const price = { usd_per_million_input_tokens: input, usd_per_million_output_tokens: output };
    await administration.admin('PUT', `/admin/prices/${model}`, { prices: [price] });
  }
  const loops = people.map(async ({ team, path, model, everyS, limit }) => {
    const { text } = await administration.issue({ team: { id: team, limits: [limit] } });
    for (let n = 0; !signal.aborted; n += 1) {
      const wave = 1 + 0.6 * Math.sin((n * everyS) / 40);
      await sleep(everyS * 1000 * wave * (0.5 + Math.random()));
      const gateway = gateways[n % gateways.length]?.url ?? '';
      void ask(gateway, n % 40 === 39 ? 'mistyped' : text, { path, model, stream: n % 3 > 0 });
    }
  });
  await Promise.all(loops);
}

interface Question {
  path: string;
  model: string;
  stream: boolean;
}

async function ask(gateway: string, token: string, { path, model, stream }: Question): Promise<void> {
  const content = 'Explain to a new colleague how our deploys work. '.repeat(
    1 + Math.floor(Math.random() * 12),
  );
  const chat = { model, stream, max_tokens: 400, messages: [{ role: 'user', content }] };
  const body = JSON.stringify(path === paths.embeddings ? { model, input: content } : chat);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const signal = Math.random() < 0.03 ? AbortSignal.timeout(100) : null;
  await fetch(gateway + path, { method: 'POST', headers, body, signal })
    .then((answer) => answer.arrayBuffer())
    .catch(() => 'this caller left, or its stream broke off');
}

async function takePictures(source: Prometheus): Promise<void> {
  const end = Date.now() / 1000;
  const span = { start: end - seconds * 0.95, end };
  const chosen = findChromium();
  if (chosen === null) throw new Error('There is no Chromium: scripts/ensure-chromium.ts gets one.');
  const browser = await chromium.launch({ executablePath: chosen.path });
  for (const name of ['overview', 'operations']) {
    const shown = dashboard(name);
    const found = new Map<Panel, Found>();
    for (const panel of shown.panels) {
      found.set(
        panel,
        await Promise.all((panel.targets ?? []).map((target) => resultOf(source, target, span))),
      );
    }
    const html = draw(
      shown,
      found,
      span,
      'Drawn from the queries of the dashboard and a Prometheus of a demo; not a picture of Grafana.',
    );
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1570, height: 900 } });
      await page.setContent(html);
      await page.screenshot({ path: `docs/images/dashboard-${name}-${colorScheme}.png`, fullPage: true });
      await page.close();
    }
  }
  await browser.close();
}

/** Rates over 30 s: Grafana takes four scrapes at least. */
function resultOf(source: Prometheus, { expr, instant }: Target, span: Span): Promise<Series[]> {
  const query = filledIn(expr, { job, rateInterval: '30s', range: `${Math.round(seconds)}s` });
  return instant
    ? source.query(query)
    : source.queryRange(query, { ...span, step: Math.max(2, seconds / 200) });
}
