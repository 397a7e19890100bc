import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { modelsFileOf, readSettings } from '../../src/config/environment.ts';
import { createLog } from '../../src/observability/log.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { wire } from '../../src/wire.ts';

let wired: ReturnType<typeof wire>;

/** Built, but not started: nothing is connected to. */
beforeAll(() => {
  const read = readSettings({
    INFERENCE_URL: 'http://127.0.0.1:1',
    INFERENCE_KEY: 'inf-1',
    ADMIN_KEY: 'e779ae2c795d6f77f038ee48a984706d',
  });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { settings } = read;
  const catalogue = loadCatalogue(modelsFileOf({}));
  if (!catalogue.ok) throw new Error(JSON.stringify(catalogue.problems));
  wired = wire({
    settings,
    catalogue: catalogue.catalogue,
    issuers: [],
    clock: systemClock,
    log: createLog({ level: 'error', output: { write: () => undefined, delivered: async () => undefined } }),
    metrics: new Metrics({ version: '0', dyno: 'web.1', endpoints: [] }),
    draining: () => false,
  });
});

afterAll(() => wired.close());

describe('the router', () => {
  it('calls one handler for a path of the data plane: of two, Hono makes a chain', () => {
    for (const [method, path] of [
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/embeddings'],
      ['GET', '/v1/models'],
      ['GET', '/v1/me'],
    ] as const) {
      expect(wired.app.hono.router.match(method, path)[0], path).toHaveLength(1);
    }
  });
});
