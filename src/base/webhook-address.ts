/** A chat whose webhooks are known by their address. */
export type Chat = 'discord' | 'teams' | 'slack';

/** The chat that an address belongs to; null if it is none that is known. Pure. */
export function chatOf({ hostname, pathname }: URL): Chat | null {
  if (/(?:^|\.)discord(?:app)?\.com$/.test(hostname) && pathname.startsWith('/api/')) return 'discord';
  // Connectors, and workflows: of Logic Apps, and of the Power Platform, which has moved them.
  if (/\.(?:logic\.azure|api\.powerplatform|webhook\.office)\.com$/.test(hostname)) return 'teams';
  return /^hooks\.slack(?:-gov)?\.com$/.test(hostname) ? 'slack' : null;
}

/** Of an address what is no secret: `https://hooks.slack.com`. Whoever knows the rest of it may post there. Pure. */
export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? '';
}
