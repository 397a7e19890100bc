import { z } from 'zod';
import { needing, type Route } from '../admin/respond.ts';
import { time } from '../base/fields.ts';
import { createdJson } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Holder } from './holder.ts';
import type { ConsoleLinks } from './links.ts';

interface LinkRouteDeps {
  links: ConsoleLinks;
  /** The holder of the key that was sent; null if it is not known here. */
  root: (key: 'current' | 'previous') => Holder | null;
  /** The gateway's address as a request's Host names it. */
  origin: (host: string | undefined) => string;
}

/** `POST /admin/console-links`: a link that signs a browser in to the console, for whoever has ADMIN_KEY at a terminal. */
export function consoleLinkRoute({ links, root, origin }: LinkRouteDeps): Route {
  const docs = {
    summary: 'Make a link that signs in to the console',
    details:
      'It works once, within an hour, and signs in as root. Open it yourself: do not send it to anybody. A session of the console cannot make one.',
    answer: createdJson(z.object({ url: z.string(), expires_at: time })),
  };
  return {
    path: '/admin/console-links',
    methods: {
      POST: needing('administer', docs, async (c) => {
        const actor = c.get('actor');
        const holder = actor.kind === 'root' ? root(actor.key) : null;
        if (holder === null)
          return new Refusal('invalid_request', 'Set ADMIN_KEY, too: the link signs in as its holder.');
        const { url, expiresAtMs } = await links.make(holder, origin(c.req.header('host')));
        return { status: 201, body: { url, expires_at: new Date(expiresAtMs).toISOString() } };
      }),
    },
  };
}
