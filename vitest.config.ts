import { defineConfig } from 'vitest/config';

/*
 * Test files share their worker (`isolate: false`): sources are loaded once for each worker, not once for each file.
 * Everything a file starts or replaces, it must end or restore. Projects run in the order of their names, the
 * slowest first, so that the workers end together.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000, // ten times what the slowest take on an idle machine
    hookTimeout: 120_000,
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
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
          include: ['test/{integration,contract,clients}/**/*.test.ts'],
        },
      },
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
    ],
  },
});
