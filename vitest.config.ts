import { defineConfig } from 'vitest/config';

/*
 * Most test files share their worker (`isolate: false`): sources are loaded once for each worker, not for each file.
 * Everything a file starts or replaces, it must end or restore. Projects run in the order of their names, the
 * slowest first, so that the workers end together.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000, // ten times what the slowest take on an idle machine
    hookTimeout: 120_000,
    pool: 'forks',
    isolate: false,
    maxWorkers: 3, // for two cores: tests also wait
    projects: [
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: 'test/support/chromium-server.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/{integration,contract}/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          isolate: true, // they replace this process's fetch and setTimeout, to count what a client does with them
        },
      },
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
    ],
  },
});
