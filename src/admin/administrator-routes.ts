import { administratorSchema } from './administrator-schema.ts';
import {
  createAdministrator,
  deleteAdministrator,
  getAdministrator,
  listAdministrators,
  type IssuedAdministrator,
} from './administrators.ts';
import type { AdminDeps } from './deps.ts';
import { Refusal } from '../core/refusal.ts';
import { etagOf } from './precondition.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, type AdminContext, type Route } from './respond.ts';

/** `/admin/admins`: who administers besides root. */
export function administratorRoutes(deps: AdminDeps): Route[] {
  const newAdministrator = administratorSchema(deps.clock);
  return [
    {
      path: '/admin/admins',
      methods: {
        GET: needing('administer', async () => replyWithList(await listAdministrators(deps), asStored)),
        POST: needing('administer', async (c) => {
          const body = await readBody(c, newAdministrator);
          if (!body.ok) return body.refusal;
          const issued = await createAdministrator(deps, body.value);
          if (issued instanceof Refusal) return issued;
          return { status: 201, body: shownOnce(issued), etag: etagOf(issued.record) };
        }),
      },
    },
    {
      path: '/admin/admins/:id',
      methods: {
        GET: needing('administer', async (c) =>
          replyWith(200, await getAdministrator(deps, idIn(c)), asStored),
        ),
        DELETE: needing(
          'administer',
          async (c) => (await deleteAdministrator(deps, idIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
  ];
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
