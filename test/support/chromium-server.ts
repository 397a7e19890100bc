import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findChromium } from '../../scripts/find-chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where tests reach the run's Chromium. */
    chromiumUrl: string;
  }
}

/** Starts the one headless Chromium of a run; vitest calls this only if tests in test/browser run. */
export default async function startChromium({ provide }: TestProject): Promise<() => Promise<void>> {
  const found = findChromium();
  if (!found) throw new Error('There is no Chromium: scripts/ensure-chromium.ts gets one.');
  const server = await chromium.launchServer({ executablePath: found.path, host: '127.0.0.1' });
  provide('chromiumUrl', server.wsEndpoint());
  return () => server.close();
}
