import type { Chromium } from './find-chromium.ts';
import { planInstall, type Machine, type Plan } from './install-plan.ts';

/** What a search for a browser gave. */
export interface ChromiumSearch {
  /** `CHROMIUM_PATH`: if it is set, nothing else is searched. */
  namedPath: string | undefined;
  found: Chromium | null;
}

/** Whether there is a Chromium for the browser tests, or how to get one. */
export function planChromium({ namedPath, found }: ChromiumSearch, machine: Machine): Plan {
  if (found) return { action: 'use', found: `Chromium ${found.version}` };
  if (namedPath) {
    return { action: 'ask', message: `CHROMIUM_PATH is ${namedPath}, and no Chromium runs there.` };
  }
  const need = {
    problem: 'The tests need Chromium, and there is none on the PATH.',
    aptPackage: 'chromium-headless-shell',
    otherCommands: ['CHROMIUM_PATH=<an installed Chromium or Chrome> npm test   (anywhere)'],
  };
  return planInstall(need, machine);
}
