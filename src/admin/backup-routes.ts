import { z } from 'zod';
import { type OperationDocs, jsonBody, okJson } from '../base/operation-docs.ts';
import { maxDocumentBytes } from '../backup/document.ts';
import { slug } from '../base/fields.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { utf8Text } from '../base/request.ts';
import { identityDocument, importReport } from '../identity/schemas/responses.ts';
import type { AdminDeps } from './deps.ts';
import { readBytes } from './read-body.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

const exportParameters = z.strictObject({ team: slug.exactOptional() });
const importParameters = z.strictObject({
  overwrite: z.enum(['true', 'false'], 'must be true or false').default('false'),
});

const exportDocs: OperationDocs = {
  summary: 'Export identities as one document',
  details: 'Of all teams, or of one. It has the hashes of tokens, not their texts.',
  query: exportParameters,
  answer: okJson(identityDocument),
  refusals: ['not_found', 'body_too_large'],
};
const importDocs: OperationDocs = {
  summary: 'Bring an exported document into the store',
  details: 'What the store knows stays as it is there, unless overwrite is true. At most 16 MiB.',
  query: importParameters,
  body: jsonBody(identityDocument),
  answer: okJson(importReport),
  refusals: ['already_exists'],
};

/** Identities as one document, out and in. Root's alone: a document holds every team and the hash of every token. */
export function backupRoutes({ backup }: AdminDeps): Route[] {
  async function exported(c: AdminContext): Promise<Reply> {
    const asked = checkQuery(exportParameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const document = await backup.export(asked.team ?? null);
    return document instanceof Refusal ? document : { status: 200, body: document };
  }

  async function imported(c: AdminContext): Promise<Reply> {
    const asked = checkQuery(importParameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const bytes = await readBytes(c, maxDocumentBytes);
    if (bytes instanceof Refusal) return bytes;
    const text = utf8Text(bytes);
    if (text === null) return new Refusal('invalid_json', 'The document must be UTF-8.');
    const report = await backup.import(text, { overwrite: asked.overwrite === 'true' });
    return report instanceof Refusal ? report : { status: 200, body: report };
  }

  return [
    { path: '/admin/export', methods: { GET: needing('administer', exportDocs, exported) } },
    { path: '/admin/import', methods: { POST: needing('administer', importDocs, imported) } },
  ];
}
