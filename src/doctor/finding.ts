/** What is looked at, in the order in which it is told. */
export const areas = [
  'configuration',
  'store',
  'clock',
  'records',
  'upstream',
  'prices',
  'issuer',
  'telemetry',
  'webhook',
] as const;
export type Area = (typeof areas)[number];

/** What one check found. */
export interface Finding {
  /** Names the check for programs; docs/operations.md has them all. */
  readonly check: Area | `${Area}.${string}`;
  readonly state: 'ok' | 'warning' | 'problem';
  /** One sentence for people. */
  readonly says: string;
  /** A command, or where it is written; null if there is nothing to do. */
  readonly remedy: string | null;
}

type Check = Finding['check'];

export function ok(check: Check, says: string): Finding {
  return { check, state: 'ok', says, remedy: null };
}

export function warning(check: Check, says: string, remedy: string): Finding {
  return { check, state: 'warning', says, remedy };
}

export function problem(check: Check, says: string, remedy: string): Finding {
  return { check, state: 'problem', says, remedy };
}

export function areaOf({ check }: Finding): Area {
  return check.split('.', 1)[0] as Area; // every check begins with its area
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** A size for people: `25 MB`. */
export function sizeText(bytes: number): string {
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1_000 ** step).toPrecision(3))} ${units[step]}`;
}

/** A length of time for people: `90 s`, `3 h`. */
export function timeText(ms: number): string {
  if (ms < 1_000) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} minutes`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

/** Some of many names: `a, b and 3 more`. */
export function someOf(names: readonly string[], most = 5): string {
  const rest = names.length - most;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${rest} more`;
}
