export const dayMs = 86_400_000;

/** The UTC day of a moment (ms since the epoch), `YYYY-MM-DD`. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** The UTC days from `from` to `to`, both included. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let atMs = Date.parse(from); atMs <= Date.parse(to); atMs += dayMs) days.push(dayOf(atMs));
  return days;
}
