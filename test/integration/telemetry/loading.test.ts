import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { compiledAhead } from '../../support/spawn-gateway.ts';

const source = (path: string): string =>
  JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);

/** Prints the packages that a gateway has loaded, and then those that it has once it sends telemetry. */
const program = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load: (url, context, next) => {
      packages.add(/\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
      return next(url, context);
    },
  });
  for (const entry of [${source('serve.ts')}, ${source('telemetry/telemetry.ts')}]) {
    await import(entry);
    console.log(JSON.stringify([...packages].filter(Boolean)));
  }
`;

it('what encodes telemetry is loaded only to send some', async () => {
  const env = { ...process.env, ...compiledAhead };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env,
  });
  const [without = [], sending = []] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
  expect(without).toContain('prom-client');
  // prom-client has OpenTelemetry's API, for exemplars.
  const others = without.filter(
    (name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api',
  );
  expect(others).toEqual([]);
  expect(sending).toContain('@opentelemetry/otlp-transformer');
}, 120_000);
