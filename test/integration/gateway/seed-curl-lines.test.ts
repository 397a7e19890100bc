import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';

/* The curl lines of Heroku's documents, as written: their JSON goes out as application/x-www-form-urlencoded. */

const run = promisify(execFile);
const seeds = fileURLToPath(new URL('../../fixtures/seeds/', import.meta.url));
const scripts = globSync('*.sh', { cwd: seeds }).sort();

let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  await run('curl', ['--version']).catch(() => {
    throw new Error('curl is not on the PATH: install it (apt-get install curl), the seeds are curl lines.');
  });
  gateway = await startGateway();
  token = await gateway.issue();
});
afterAll(() => gateway.close());

async function curl(script: string, url = gateway.url): Promise<Record<string, unknown>> {
  const env = { PATH: process.env['PATH'] ?? '', no_proxy: '*' };
  const names = { INFERENCE: models.chat, EMBEDDING: models.embeddings, DIFFUSION: models.images };
  const attachments = Object.entries(names).flatMap(([name, model]) => [
    [`${name}_URL`, url],
    [`${name}_KEY`, token.text],
    [`${name}_MODEL_ID`, model],
  ]);
  const { stdout } = await run('bash', ['-eu', `${seeds}${script}`], {
    env: { ...env, ...(Object.fromEntries(attachments) as Record<string, string>) },
    timeout: 10_000,
    maxBuffer: 10_000_000,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const expected: Record<string, object> = {
  'chat-completions.sh': { object: 'chat.completion', model: models.chat },
  'chat-completions-tools.sh': { object: 'chat.completion', choices: [{ finish_reason: 'tool_calls' }] },
  'embeddings.sh': { object: 'list', data: [{ object: 'embedding', index: 0 }, { index: 1 }] },
  'images-generations.sh': { data: [{ b64_json: expect.stringMatching(/^iVBOR/) as unknown }] },
};

describe('the curl lines of the seed documents', () => {
  it('are all known here', () => {
    expect(scripts).toEqual(Object.keys(expected).sort());
  });

  it.each(scripts)('%s works as it is written', async (script) => {
    expect(await curl(script)).toMatchObject(expected[script] ?? {});
    const { headers, body } = gateway.upstream.requests.at(-1) ?? {};
    expect(headers?.['content-type']).toBe('application/json');
    // What was written between the lines of the here-document went on, with the variables filled in.
    const written = /<<EOF\n([\s\S]*?)\nEOF/.exec(readFileSync(`${seeds}${script}`, 'utf8'))?.[1] ?? '';
    const filled = written.replaceAll(/\$(\w+)_MODEL_ID/g, () => (body as { model: string }).model);
    expect(body).toEqual(JSON.parse(filled));
  });

  it('tell what is wrong where the URL has /v1 already', async () => {
    const reply = await curl('chat-completions.sh', `${gateway.url}/v1`);
    expect(reply).toMatchObject({ error: { code: 'not_found' } });
    expect(JSON.stringify(reply)).toContain('one /v1 too many');
  });
});
