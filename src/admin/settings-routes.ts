import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, type Route } from './respond.ts';
import { changeSettings, getSettings, settingsChange, shownSettings } from './settings.ts';

/** What holds for the whole gateway, and for what is made in it without saying. */
export function settingsRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/settings',
      methods: {
        GET: needing('read-gateway', async () => replyWith(200, await getSettings(deps), shownSettings)),
        PATCH: needing('change-gateway', async (c) => {
          const body = await readBody(c, settingsChange);
          if (!body.ok) return body.refusal;
          return replyWith(200, await changeSettings(deps, body.value, c.get('precondition')), shownSettings);
        }),
      },
    },
  ];
}
