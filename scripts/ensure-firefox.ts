import { ensure } from './ensure.ts';
import { findFirefox } from './find-firefox.ts';
import { planInstall } from './install-plan.ts';

/* Runs before the tests: those of `client/` run in Firefox too. Not every system has one, so they go without. */

ensure(
  (machine) => {
    const firefox = findFirefox();
    if (firefox !== null) return { action: 'use', found: `Firefox ${firefox.version}` };
    const { FIREFOX_PATH } = process.env;
    if (FIREFOX_PATH) {
      const message = `FIREFOX_PATH is ${FIREFOX_PATH}, and no Firefox runs there: the tests of client/ go without.`;
      return { action: 'ask', message };
    }
    const need = {
      problem: 'There is no Firefox on the PATH: without one, the tests of client/ in Firefox are skipped.',
      aptPackage: 'firefox-esr',
      otherCommands: ['FIREFOX_PATH=<an installed Firefox> npm test   (anywhere)'],
    };
    return planInstall(need, machine);
  },
  { isOptional: true },
);
