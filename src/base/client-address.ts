/**
 * The client's address as Heroku's router saw it. The router appends to what the client sent, so only the rightmost
 * counts (Dev Center, http-routing). Null if there is none.
 */
export function forwardedAddress(forwardedFor: string | string[] | undefined): string | null {
  const last =
    String(forwardedFor ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return last === '' ? null : last.slice(0, 64);
}
