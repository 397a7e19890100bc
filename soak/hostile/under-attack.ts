import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Administration, administrationOf } from '../../test/support/gateway.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { Fleet } from '../fleet.ts';
import type { Token } from '../teams.ts';
import type { Attack, World } from './attacks.ts';
import { HonestTeam } from './honest.ts';
import { dearModel, embeddingsModel, honestModel, startHostileUpstream, usage } from './upstream.ts';

/** Of a million tokens, in dollars. The model that may answer in its place costs a thousand times as much. */
const inputUsd = 1;
const outputUsd = 2;
const catalogue = {
  models: {
    [honestModel]: {
      kind: 'chat',
      fallback: dearModel,
      price: { usd_per_million_input_tokens: inputUsd, usd_per_million_output_tokens: outputUsd },
    },
    [dearModel]: {
      kind: 'chat',
      price: {
        usd_per_million_input_tokens: 1_000 * inputUsd,
        usd_per_million_output_tokens: 1_000 * outputUsd,
      },
    },
    [embeddingsModel]: { kind: 'embeddings' },
  },
};
const processes = 2;
/** What the honest team calls after the attack counts too. */
const afterMs = 300;

/** Runs the attacks and says what each cost the honest team. Resolves with true if nothing. */
export async function underAttack(
  attacks: readonly Attack[],
  { seconds, say }: { seconds: number; say: (text: string) => void },
): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-hostile-'));
  const modelsFile = join(directory, 'models.json');
  await writeFile(modelsFile, JSON.stringify(catalogue));
  const store = await startRedis({ args: ['--maxmemory', '25mb'] });
  const upstream = await startHostileUpstream();
  const adminKey = randomBytes(24).toString('hex');
  const fleet = new Fleet({
    NODE_ENV: 'production',
    LOG_LEVEL: 'error',
    ADMIN_KEY: adminKey,
    REDIS_URL: store.url,
    ...attachment('INFERENCE', honestModel, upstream.url),
    ...attachment('DEAR', dearModel, upstream.url),
    ...attachment('EMBEDDING', embeddingsModel, upstream.url),
    MODELS_FILE: modelsFile,
    STORE_TIMEOUT_MS: '10000', // nothing is lost because the machine is busy
    UPSTREAM_TIMEOUT_MS: '3000', // so that slow calls fail while the attack lasts
  });
  let held = true;
  try {
    await fleet.start(processes);
    const urls = fleet.instances.map(({ url }) => url);
    const root = administrationOf(urls[0] ?? '', adminKey);
    const honest = await root.issue({ team: { id: 'honest' } });
    const team = new HonestTeam(urls, honest);
    const world = await hostileWorld(root, urls[0] ?? '');
    team.start();
    await sleep(1_000); // all is well before
    report('no-attack', team, []);
    for (const attack of attacks) {
      const signal = AbortSignal.timeout(seconds * 1_000);
      const wrong = await attack.run({ ...world, urls, upstream, signal });
      await sleep(afterMs);
      report(attack.name, team, wrong);
    }
    await team.stop();
    const isPaid = await paid(root, team.answered);
    say(isPaid.text);
    held &&= isPaid.held;
    const made = await root.issue({ team: { id: 'newcomer' } }).catch((error: unknown) => String(error));
    if (typeof made === 'string') say(`No team could be made afterwards: ${made}`);
    return held && typeof made !== 'string';
  } finally {
    for (const { gateway } of fleet.instances) gateway.kill('SIGKILL');
    await upstream.close();
    await store.stop();
    await rm(directory, { recursive: true, force: true });
  }

  function report(name: string, team: HonestTeam, wrong: readonly string[]): void {
    const lost = [...team.takeLosses()].map(([what, count]) => `${count} × ${what}`);
    const crashed = fleet.instances.filter((instance) => instance.crashed).length;
    if (crashed > 0) lost.push(`${crashed} processes crashed`);
    const all = [...lost, ...wrong];
    say(`${name.padEnd(24)}${all.length === 0 ? 'nothing lost' : all.join('; ')}`);
    held &&= all.length === 0;
  }
}

/** The hostile team: its tokens, and an administrator of its own. */
async function hostileWorld(
  root: Administration,
  url: string,
): Promise<Pick<World, 'limited' | 'tokens' | 'teamAdmin'>> {
  const id = 'hostile';
  const limited = await root.issue({
    team: { id },
    user: { limits: [{ metric: 'requests', window: 'minute', max: 2 }] },
  });
  const tokens: Token[] = [];
  for (let n = 0; n < 4; n += 1) tokens.push(await root.issue({ team: { id } }));
  const made = await root.admin('POST', '/admin/admins', { name: 'Eve', role: 'team-admin', teams: [id] });
  return { limited, tokens, teamAdmin: administrationOf(url, String(made.body['token'])) };
}

/** What the ledger says of the honest team, against what its callers saw. */
async function paid(root: Administration, answered: number): Promise<{ held: boolean; text: string }> {
  const costUsd =
    (answered * (usage.prompt_tokens * inputUsd + usage.completion_tokens * outputUsd)) / 1_000_000;
  const expected = { requests: answered, errors: 0, aborted: 0, cost_usd: Number(costUsd.toFixed(9)) };
  let found: Record<string, unknown> = {};
  const agrees = async (): Promise<boolean> => {
    const { requests, errors, aborted, cost_usd } = await root.usage('honest');
    found = { requests, errors, aborted, cost_usd: Number(cost_usd.toFixed(9)) };
    return JSON.stringify(found) === JSON.stringify(expected);
  };
  const held = await waitFor(agrees, { timeoutMs: 5_000, what: 'the ledger to agree' }).then(
    () => true,
    () => false,
  );
  const figures = `${answered} calls answered, ${expected.cost_usd} USD`;
  if (held) return { held, text: `The ledger agrees: ${figures}.` };
  return {
    held,
    text: `The ledger DIFFERS: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}.`,
  };
}

function attachment(name: string, model: string, url: string): Record<string, string> {
  const key = 'inf-00000000-0000-4000-8000-000000000000';
  return { [`${name}_URL`]: url, [`${name}_KEY`]: key, [`${name}_MODEL_ID`]: model };
}
