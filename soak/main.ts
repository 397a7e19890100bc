import { readSettings } from './settings.ts';
import { soak } from './soak.ts';

/*
 * Everything at once: bursts of calls under limits of every kind, callers that leave, an upstream that fails,
 * processes killed and stopped, a store that hangs and drops its connections. In the end all accounts must agree.
 * `SOAK_SECONDS` says how long, `SOAK_SEED` repeats a run's draws.
 */
const settings = readSettings(process.env);
process.exitCode = (await soak(settings, (text) => void process.stdout.write(`${text}\n`))) ? 0 : 1;
