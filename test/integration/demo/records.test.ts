import { afterEach, describe, expect, it } from 'vitest';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { launch, type Program } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

const demos: Program[] = [];

afterEach(() => {
  for (const demo of demos.splice(0)) demo.kill('SIGKILL');
});

interface Running {
  demo: Program;
  url: string;
  token: string;
}

async function startDemo(databaseUrl: string): Promise<Running> {
  const env = { PORT: '0', DATABASE_URL: databaseUrl };
  const demo = launch({ entry: 'src/demo/main.ts', args: ['--records'], env });
  demos.push(demo);
  await waitFor(() => demo.stdout().includes('tgk_'), {
    what: 'the demo to print a token',
    timeoutMs: 60_000,
  });
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(demo.stdout()) ?? [];
  const [token = ''] = /tgk_[0-9A-Za-z]+/.exec(demo.stdout()) ?? [];
  return { demo, url, token };
}

describe('npm run demo -- --records', () => {
  it('knows the tokens of the demo before', async () => {
    const databaseUrl = await sharedPostgres();
    const first = await startDemo(databaseUrl);
    expect((await post(`${first.url}${paths.chat}`, bodies.chat(), { token: first.token })).status).toBe(200);
    await first.demo.stop('SIGINT');
    const next = await startDemo(databaseUrl);
    expect(next.token).not.toBe(first.token);
    expect((await post(`${next.url}${paths.chat}`, bodies.chat(), { token: first.token })).status).toBe(200);
  }, 180_000);
});
