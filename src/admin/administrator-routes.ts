import {
  type OperationDocs,
  jsonBody,
  createdJson,
  noContent,
  okJson,
  okList,
} from '../base/operation-docs.ts';
import { issuedAdministrator, administratorResponse } from '../identity/records/responses.ts';
import { administratorSchema } from '../identity/schemas/administrator-schema.ts';
import {
  createAdministrator,
  deleteAdministrator,
  getAdministrator,
  listAdministrators,
  type IssuedAdministrator,
} from '../identity/operations/administrators.ts';
import { Refusal } from '../base/refusal.ts';
import type { AdminDeps } from './deps.ts';
import { etagOf } from '../identity/operations/precondition.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, type AdminContext, type Route } from './respond.ts';

/** `/admin/admins`: who administers besides root. */
export function administratorRoutes(deps: AdminDeps): Route[] {
  const newAdministrator = administratorSchema(deps.clock);
  const docs = administratorDocs(newAdministrator);
  return [
    {
      path: '/admin/admins',
      methods: {
        GET: needing('administer', docs.list, async () =>
          replyWithList(await listAdministrators(deps), asStored),
        ),
        POST: needing('administer', docs.create, async (c) => {
          const asked = await readBody(c, newAdministrator);
          if (!asked.ok) return asked.refusal;
          const issued = await createAdministrator(deps, asked.value);
          if (issued instanceof Refusal) return issued;
          return { status: 201, body: newSessionResponse(issued), etag: etagOf(issued.record) };
        }),
      },
    },
    {
      path: '/admin/admins/:id',
      methods: {
        GET: needing('administer', docs.read, async (c) =>
          replyWith(200, await getAdministrator(deps, idIn(c)), asStored),
        ),
        DELETE: needing(
          'administer',
          docs.delete,
          async (c) => (await deleteAdministrator(deps, idIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
  ];
}

function administratorDocs(newAdministrator: ReturnType<typeof administratorSchema>) {
  return {
    list: { summary: 'List administrators', answer: okList(administratorResponse) },
    create: {
      summary: 'Make an administrator',
      details: 'Its token is shown this once.',
      body: jsonBody(newAdministrator),
      answer: createdJson(issuedAdministrator),
      etag: 'told',
      refusals: ['not_found'],
    },
    read: { summary: 'Read an administrator', answer: okJson(administratorResponse), etag: 'told' },
    delete: {
      summary: 'End an administrator',
      details: 'Its token is refused from the next request on.',
      answer: noContent,
      etag: 'asked',
    },
  } satisfies Record<string, OperationDocs>;
}

/** One just made, with its token: the only time it is shown. */
function newSessionResponse({ record: { id, ...rest }, text }: IssuedAdministrator): object {
  return { id, token: text, ...rest };
}

/** Nothing in a record is kept from those who may read it. */
function asStored<T>(record: T): T {
  return record;
}

function idIn(c: AdminContext): string {
  return c.req.param('id') ?? '';
}
