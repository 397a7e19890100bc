import { readSettings } from './settings.ts';
import { soak } from './soak.ts';

/*
 * All of this at once: bursts of calls under limits of every kind, callers that leave, an upstream that fails,
 * processes killed and stopped, a store that hangs and drops its connections. At the end, all counts must agree.
 * `SOAK_SECONDS` sets the length; `SOAK_SEED` repeats a run's random draws.
 */
const settings = readSettings(process.env);
process.exitCode = (await soak(settings, (text) => void process.stdout.write(`${text}\n`))) ? 0 : 1;
