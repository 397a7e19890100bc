import { type OperationDocs, jsonBody, okJson } from '../base/operation-docs.ts';
import { settingsResponse as settingsAnswer } from '../identity/records/responses.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, type Route } from './respond.ts';
import {
  changeSettings,
  getSettings,
  settingsChange,
  settingsResponse,
} from '../identity/operations/settings.ts';

const settingsDocs = {
  read: { summary: 'Read the settings of the gateway', answer: okJson(settingsAnswer), etag: 'told' },
  change: {
    summary: 'Change the settings of the gateway',
    details: 'Fields left out stay; null clears. Defaults are the limits of what is made later without any.',
    body: jsonBody(settingsChange),
    answer: okJson(settingsAnswer),
    etag: 'asked',
  },
} satisfies Record<string, OperationDocs>;

/** What holds for the whole gateway, and for what is made in it without saying. */
export function settingsRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/settings',
      methods: {
        GET: needing('read-gateway', settingsDocs.read, async () =>
          replyWith(200, await getSettings(deps), settingsResponse),
        ),
        PATCH: needing('change-gateway', settingsDocs.change, async (c) => {
          const asked = await readBody(c, settingsChange);
          if (!asked.ok) return asked.refusal;
          return replyWith(
            200,
            await changeSettings(deps, asked.value, c.get('precondition')),
            settingsResponse,
          );
        }),
      },
    },
  ];
}
