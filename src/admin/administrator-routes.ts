import { type About, jsonBody, createdJson, noContent, okJson, okList } from '../core/described.ts';
import { issuedAdministrator, shownAdministrator } from '../core/shown.ts';
import { administratorSchema } from './administrator-schema.ts';
import {
  createAdministrator,
  deleteAdministrator,
  getAdministrator,
  listAdministrators,
  type IssuedAdministrator,
} from './administrators.ts';
import { Refusal } from '../core/refusal.ts';
import type { AdminDeps } from './deps.ts';
import { etagOf } from './precondition.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, type AdminContext, type Route } from './respond.ts';

/** `/admin/admins`: who administers besides root. */
export function administratorRoutes(deps: AdminDeps): Route[] {
  const newAdministrator = administratorSchema(deps.clock);
  const about = aboutAdministrators(newAdministrator);
  return [
    {
      path: '/admin/admins',
      methods: {
        GET: needing('administer', about.list, async () =>
          replyWithList(await listAdministrators(deps), asStored),
        ),
        POST: needing('administer', about.create, async (c) => {
          const asked = await readBody(c, newAdministrator);
          if (!asked.ok) return asked.refusal;
          const issued = await createAdministrator(deps, asked.value);
          if (issued instanceof Refusal) return issued;
          return { status: 201, body: shownOnce(issued), etag: etagOf(issued.record) };
        }),
      },
    },
    {
      path: '/admin/admins/:id',
      methods: {
        GET: needing('administer', about.read, async (c) =>
          replyWith(200, await getAdministrator(deps, idIn(c)), asStored),
        ),
        DELETE: needing(
          'administer',
          about.delete,
          async (c) => (await deleteAdministrator(deps, idIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
  ];
}

function aboutAdministrators(newAdministrator: ReturnType<typeof administratorSchema>) {
  return {
    list: { summary: 'List administrators', answer: okList(shownAdministrator) },
    create: {
      summary: 'Make an administrator',
      details: 'Its token is shown this once.',
      body: jsonBody(newAdministrator),
      answer: createdJson(issuedAdministrator),
      etag: 'told',
      refusals: ['not_found'],
    },
    read: { summary: 'Read an administrator', answer: okJson(shownAdministrator), etag: 'told' },
    delete: {
      summary: 'End an administrator',
      details: 'Its token is refused from the next request on.',
      answer: noContent,
      etag: 'asked',
    },
  } satisfies Record<string, About>;
}

/** One just made, with its token: the only time it is shown. */
function shownOnce({ record: { id, ...rest }, text }: IssuedAdministrator): object {
  return { id, token: text, ...rest };
}

/** Nothing in a record is kept from those who may read it. */
function asStored<T>(record: T): T {
  return record;
}

function idIn(c: AdminContext): string {
  return c.req.param('id') ?? '';
}
