import { planChromium } from './chromium-plan.ts';
import { ensure } from './ensure.ts';
import { findChromium } from './find-chromium.ts';

/* Runs before the tests: they need a real browser. */

ensure((machine) =>
  planChromium({ namedPath: process.env['CHROMIUM_PATH'], found: findChromium() }, machine),
);
