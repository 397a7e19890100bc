import { afterAll, afterEach, beforeAll } from 'vitest';
import { startSite, type Site } from './site.ts';
import { watchClients, type Watch } from './watch.ts';

/** What the cases run on, once it has started. */
export interface Ground {
  readonly site: Site;
  readonly watch: Watch;
}

/** Starts a gateway for a file's tests, and watches the clients in it. */
export function ground(env?: Readonly<Record<string, string>>): () => Ground {
  let site: Site;
  let watch: Watch;
  beforeAll(async () => {
    site = await startSite(env);
    watch = watchClients();
  });
  afterEach(() => {
    site.upstream.script(null);
    watch.begin();
  });
  afterAll(async () => {
    watch.end();
    await site.close();
  });
  return () => ({ site, watch });
}
