import { type About, jsonBody, okJson } from '../core/described.ts';
import { shownSettings as settingsAnswer } from '../core/shown.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, type Route } from './respond.ts';
import { changeSettings, getSettings, settingsChange, shownSettings } from './settings.ts';

const aboutSettings = {
  read: { summary: 'Read the settings of the gateway', answer: okJson(settingsAnswer), etag: 'told' },
  change: {
    summary: 'Change the settings of the gateway',
    details: 'Fields left out stay; null clears. Defaults are the limits of what is made later without any.',
    body: jsonBody(settingsChange),
    answer: okJson(settingsAnswer),
    etag: 'asked',
  },
} satisfies Record<string, About>;

/** What holds for the whole gateway, and for what is made in it without saying. */
export function settingsRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/settings',
      methods: {
        GET: needing('read-gateway', aboutSettings.read, async () =>
          replyWith(200, await getSettings(deps), shownSettings),
        ),
        PATCH: needing('change-gateway', aboutSettings.change, async (c) => {
          const asked = await readBody(c, settingsChange);
          if (!asked.ok) return asked.refusal;
          return replyWith(
            200,
            await changeSettings(deps, asked.value, c.get('precondition')),
            shownSettings,
          );
        }),
      },
    },
  ];
}
