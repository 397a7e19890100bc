import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const serve = fileURLToPath(new URL('../../../src/serve.ts', import.meta.url));
const loadedBy = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load: (url, context, next) => {
      packages.add(/\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
      return next(url, context);
    },
  });
  await import(${JSON.stringify(serve)});
  if (process.argv[1] === 'telemetry') await import(${JSON.stringify(serve.replace('serve.ts', 'telemetry/telemetry.ts'))});
  console.log(JSON.stringify([...packages].filter(Boolean)));
`;

async function packagesLoaded(...more: string[]): Promise<string[]> {
  const args = ['--input-type=module', '-e', loadedBy, ...more];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[];
}

it('what encodes telemetry is loaded only to send some', async () => {
  const without = await packagesLoaded();
  expect(without).toContain('prom-client');
  // prom-client has OpenTelemetry's API, for exemplars.
  const others = without.filter(
    (name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api',
  );
  expect(others).toEqual([]);
  expect(await packagesLoaded('telemetry')).toContain('@opentelemetry/otlp-transformer');
}, 120_000);
