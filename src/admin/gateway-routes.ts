import { z } from 'zod';
import { createdJson } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import {
  createAdministrator,
  deleteAdministrator,
  getAdministrator,
} from '../identity/operations/administrators.ts';
import { administratorSource } from '../identity/operations/record-source.ts';
import { changeSettings, getSettings, toSettingsResponse } from '../identity/operations/settings.ts';
import type { Administrator } from '../identity/records/administrator.ts';
import { gatewayCounterKey, type GatewaySettings } from '../identity/records/gateway-settings.ts';
import { scopedLimits } from '../identity/records/scoped-limits.ts';
import { administratorSchema, settingsSchema } from '../identity/schemas/requests.ts';
import {
  administratorResponse,
  issuedAdministrator,
  settingsResponse,
} from '../identity/schemas/responses.ts';
import type { AdminDeps } from './deps.ts';
import { limitUses } from './limit-uses.ts';
import { limitWarnings } from './limit-warnings.ts';
import { endpointPaths } from '../validation/registry.ts';
import { pageOfRecords } from './list-pages.ts';
import { listing } from './listing.ts';
import { issuing, type Presentation, resource } from './resource.ts';
import type { AdminContext, Route } from './respond.ts';

/** `/admin/settings`: limits of the whole gateway, and the defaults of what is created in it. */
export function settingsRoutes(deps: AdminDeps): Route[] {
  const settings = resource<GatewaySettings>({
    schema: settingsResponse,
    toResponses: (records) => records.map(toSettingsResponse),
    usesOf: (all) => limitUses(deps.counters, gatewayCounterKey, scopedLimits('gateway', all)),
    warningsOf: ({ limits, end_user_limits: ofEndUsers = [], defaults: { team, user, token } }) => [
      ...[limits, team, user, token].flatMap((each) => limitWarnings(each, null, deps.models)),
      ...limitWarnings(ofEndUsers, null, deps.models, 'end_user_limits'),
    ],
  });
  return [
    {
      path: '/admin/settings',
      methods: {
        GET: settings.read({ needs: 'read-gateway', summary: 'Read the settings of the gateway' }, () =>
          getSettings(deps),
        ),
        PATCH: settings.change(
          {
            needs: 'change-gateway',
            summary: 'Change the settings of the gateway',
            details:
              'Fields left out stay; null clears. Teams, users and tokens that are created later without limits get the defaults.',
            body: settingsSchema(endpointPaths),
          },
          (c, asked) => changeSettings(deps, asked, c.get('precondition')),
        ),
      },
    },
  ];
}

/** `/admin/admins`: the administrators besides root. */
export function administratorRoutes(deps: AdminDeps): Route[] {
  const needs = 'administer';
  const shown: Presentation<Administrator> = {
    schema: administratorResponse,
    toResponses: (records) => [...records],
  };
  const administrators = resource(shown);
  return [
    {
      path: '/admin/admins',
      methods: {
        GET: listing(
          shown,
          { needs, summary: 'List administrators' },
          {
            query: z.strictObject(pageOfRecords),
            all: () => deps.administrators.list(),
            paged: () => ({ source: administratorSource(deps.administrators) }),
          },
        ),
        POST: issuing(
          {
            needs,
            summary: 'Create an administrator',
            details: 'The token is shown only this once.',
            body: administratorSchema(deps.clock),
            answer: createdJson(issuedAdministrator),
            refusals: ['not_found'],
          },
          async (_c, asked) => {
            const issued = await createAdministrator(deps, asked);
            if (issued instanceof Refusal) return issued;
            const { record, text } = issued;
            const { id, ...rest } = record;
            return { record, body: { id, token: text, ...rest } };
          },
        ),
      },
    },
    {
      path: '/admin/admins/:id',
      methods: {
        GET: administrators.read({ needs, summary: 'Read an administrator' }, (c) =>
          getAdministrator(deps, idIn(c)),
        ),
        DELETE: administrators.end(
          {
            needs,
            summary: 'Delete an administrator',
            details: 'The token is refused from the next request on.',
          },
          (c) => deleteAdministrator(deps, idIn(c), c.get('precondition')),
        ),
      },
    },
  ];
}

function idIn(c: AdminContext): string {
  return c.req.param('id') ?? '';
}
