import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a name. Rejects if it has none, or when the signal is aborted. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** As the system does it, with its file of hosts: for names of the operator. */
export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

/**
 * Asks name servers: those of the system, or others. The system's own lookup keeps one of four threads until it is answered
 * (nodejs.org, `dns.lookup`): a few names whose servers are slow would keep the store and the upstream from being found.
 */
export function resolveAt(servers: readonly string[] | null, firstTryMs = 1_000): Resolve {
  return async (host, signal) => {
    const resolver = new Resolver({ timeout: firstTryMs, tries: 2 });
    if (servers) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
      if (addresses.length === 0) throw new Error('The name has no address.');
      return addresses;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}
