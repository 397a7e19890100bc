import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { run } from '../../src/cli/run.ts';
import { compiledAhead } from './spawn-gateway.ts';
import { documentOf, webhookRow, teamRow, tokenRow } from './documents.ts';
import type { JsonObject } from '../../src/base/request.ts';

export interface Result {
  code: number;
  out: string;
  err: string;
}

/** Runs a command line in this process. With `answer` somebody is at the terminal, who says that to every question. */
export async function tollgate(
  line: string,
  env: NodeJS.ProcessEnv,
  answer?: (question: string) => string | Promise<string>,
): Promise<Result> {
  const written = { out: [] as string[], err: [] as string[] };
  const code = await run(line.split(' '), env, {
    out: (text) => written.out.push(text),
    err: (text) => written.err.push(text),
    ...(answer ? { ask: async (question: string) => answer(question) } : {}),
  });
  return { code, out: written.out.join('\n'), err: written.err.join('\n') };
}

/** Runs it as a program. */
export function spawnTollgate(line: string, env: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams {
  const program = new URL('../../src/cli/main.ts', import.meta.url).pathname;
  return spawn(process.execPath, [program, ...line.split(' ')], {
    env: { PATH: process.env['PATH'], ...compiledAhead, ...env },
  });
}

/** What the examples of `--help` and the docs name: acme with a raised limit, its ana, a token of hers, an administrator,
 * and two webhooks: one that has no secret yet, and one for a chat. */
export function exampleDocument(): JsonObject {
  const day = { id: 'day', metric: 'tokens', window: 'day', max: 100_000 };
  const raise = {
    id: 'rse_4NcvT6yK8wLe',
    limit: day.id,
    by: 50_000,
    until: new Date(Date.now() + 86_400_000).toISOString(),
    created_at: new Date(Date.now() - 1_000).toISOString(),
  };
  return documentOf(
    {
      teams: [teamRow('acme', { limits: [day], raises: [raise], tag_keys: ['project', 'step'] })],
      tokens: [tokenRow('tok_4fJ2mQ9sXbVe')],
    },
    {
      prices: [
        {
          id: 'nova-lite',
          prices: ['2098-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'].map((from) => ({
            from,
            usd_per_million_input_tokens: 2,
            usd_per_million_output_tokens: 8,
          })),
        },
      ],
      webhooks: [
        webhookRow('wh_6GdnS1xP4kRa', {
          disabled_at: '2026-01-31T12:00:00.000Z',
          disabled_because: 'Imported.',
        }),
        webhookRow('wh_9KdnS1xP4kRb', { format: 'slack', url: 'https://127.0.0.1/hook' }),
      ],
      admins: [
        {
          id: 'adm_8sKw3TzPq1Ln',
          name: null,
          role: 'auditor',
          teams: null,
          prefix: 'tga_12345678',
          expires_at: null,
          created_at: '2026-01-31T12:00:00.000Z',
          secret_hashes: [tokenRow('adm')['secret_hashes']].flat() as string[],
        },
      ],
    },
  );
}
