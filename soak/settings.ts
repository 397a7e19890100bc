export interface Settings {
  /** How long the load and the faults last. */
  seconds: number;
  /** The seed of the random draws: which calls are made, and which faults happen when. Not how they interleave. */
  seed: number;
  leaseMs: number;
}

/** The gateway's own default. A short run cannot wait that long until a process counts as dead. */
const defaultLeaseMs = 20_000;
const shortLeaseMs = 4_000;
const shortSeconds = 45;

/** Reads SOAK_SECONDS (60 if unset) and SOAK_SEED (random if unset). */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const seconds = wholeNumber(env, 'SOAK_SECONDS', 60);
  const seed = wholeNumber(env, 'SOAK_SEED', Math.floor(Math.random() * 1_000_000));
  return { seconds, seed, leaseMs: seconds < shortSeconds ? shortLeaseMs : defaultLeaseMs };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,6}$/.test(text)) throw new TypeError(`${name}: expected a whole number.`);
  return Number(text);
}
