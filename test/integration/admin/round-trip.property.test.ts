import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadIdentityFile } from '../../../src/backup/identity-file.ts';
import { readDocument } from '../../../src/backup/read-document.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';
import { provide } from '../../../src/sign-in/provision.ts';
import { documentOf, teamRow, tokenRow, userRow } from '../../support/documents.ts';
import { anyCharacter } from '../../support/any-character.ts';
import { endpointPaths } from '../../../src/validation/registry.ts';
import { type Answer, Harness, problemsOf, startMs } from './harness.ts';

/*
 * Whatever any API accepts can be exported, imported and loaded from IDENTITY_FILE: a backup that cannot be read back is
 * found too late. Values go to the edge of what is accepted, and beyond.
 */

/** Stands in a body for the text of a number that JavaScript would not write. */
const numberMark = 'the number ';
const oddNumber = fc
  .constantFrom('-0', '0', '1', '1.0', '1e400', '1e308', '5e-324', '1e-9', '1e-12', '9007199254740991', '-1')
  .map((text) => numberMark + text);

const time = fc.oneof(
  fc.constantFrom(
    '9999-12-31T23:59:59-23:59',
    '9999-12-31T23:59:59.999Z',
    '+010000-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2027-01-31T00:00:00.123456789+05:45',
    '2027-02-29T00:00:00Z',
    '2028-02-29T23:59Z',
    '2027-01-31T23:59:60Z',
    'tomorrow',
  ),
  fc
    .tuple(fc.date({ min: new Date(startMs), noInvalidDate: true }), fc.constantFrom('Z', '-23:59', '+14:00'))
    .map(([date, zone]) => date.toISOString().replace('Z', zone)),
);
const text = fc.oneof(
  fc.constantFrom('\ud800', '\u0000', '\u202e', 'K', 'ｍodel', '"\\', '__proto__', '', ' ', '=1+1', 'a\n'),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.constantFrom('x'.repeat(200), '\u{1f600}'.repeat(100), 'x'.repeat(255)),
);
const address = fc.oneof(
  text,
  text.map((local) => `${local}@example.com`),
  fc.constant('ana@ex\ud800mple.com'),
);
const named = fc.oneof(fc.constantFrom('m-1', 'a/b:c', 'tool@app', 'x'.repeat(128)), text);

/** A list at the edge: empty, with doubles, too long. */
function listOf<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(item, { maxLength: 3 }) },
    { weight: 1, arbitrary: item.map((one) => [one, one]) },
    {
      weight: 1,
      arbitrary: item.map((one) =>
        Array.from({ length: 64 }, (_, n) => (typeof one === 'string' && n > 0 ? (`m-${n}` as T) : one)),
      ),
    },
  );
}

const models = listOf(named);
const endpoints = listOf(fc.oneof(fc.constantFrom(...endpointPaths), text));
const origins = listOf(
  fc.oneof(
    fc.constantFrom('none', 'https://a.example', 'app://x', 'https://[::1]:8443', 'https://ä.example'),
    text,
  ),
);
const limit = fc.oneof(
  fc.constantFrom(
    { metric: 'requests', window: 'minute', max: `${numberMark}-0` },
    { metric: 'cost_usd', window: 'month', max: `${numberMark}1e-12` },
    { metric: 'concurrency', max: 2 },
    { metric: 'tokens', window: 'day', max: 9, count_cached: false, models: ['m-1', 'm-1'] },
  ),
  fc.record(
    {
      metric: fc.constantFrom('requests', 'tokens', 'cost_usd', 'images'),
      window: fc.constantFrom('minute', 'day'),
      max: fc.oneof(oddNumber, fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      models,
      endpoints,
    },
    { requiredKeys: ['metric', 'window', 'max'] },
  ),
);
const limits = fc.array(limit, { maxLength: 3 });

/** Some of the fields, each perhaps null. */
function someOf(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> {
  const orNull = Object.entries(fields).map(
    ([name, field]) => [name, fc.option(field, { freq: 8 })] as const,
  );
  return fc.record(Object.fromEntries(orNull), { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

const bounds = { models, endpoints, origins, tools: listOf(named) };
const team = someOf({ name: text, limits, end_user_limits: limits, ...bounds });
const subject = fc.record({ issuer: fc.oneof(text, fc.constant('https://id.example')), sub: text });
const user = someOf({ name: text, email: address, subject, limits });
const seconds = fc.oneof(oddNumber, fc.constantFrom(1, 100 * 366 * 86_400, 100 * 366 * 86_400 + 1));
const token = someOf({
  name: text,
  limits,
  end_user_limits: limits,
  expires_in: seconds,
  expires_at: time,
  max_session_body_bytes: oddNumber,
  frames: fc.constantFrom('openai', 'as-is'),
  session_proof: fc.constantFrom('required', 'nonce', 'once', 'twice'),
  ...bounds,
});
const administrator = someOf({
  name: text,
  teams: fc.constantFrom(['acme'], ['acme', 'acme'], []),
  expires_in: seconds,
  expires_at: time,
});
const settings = someOf({
  limits,
  end_user_limits: limits,
  defaults: someOf({ team: someOf({ limits }), user: someOf({ limits }), token: someOf({ limits }) }),
});

interface Asked {
  method: string;
  path: string;
  body: JsonObject;
}
/** A row of an import, beside a team and a user of its own. */
const row = someOf({
  name: text,
  expires_at: time,
  revoked_at: time,
  created_at: time,
  max_session_body_bytes: oddNumber,
  session_proof: fc.constantFrom('required', 'nonce', 'once', 'twice'),
  ...bounds,
});
const person = fc.record({ person: text, email: fc.option(address) });
const story = fc.array(
  fc.oneof(
    asking('POST', '/admin/teams', team, { id: 'beta' }),
    asking('PATCH', '/admin/teams/acme', team),
    asking('POST', '/admin/teams/acme/users', user, { id: 'bob' }),
    asking('PATCH', '/admin/teams/acme/users/ana', user),
    asking('POST', '/admin/teams/acme/users/ana/suspend', fc.constant({})),
    { weight: 3, arbitrary: asking('POST', '/admin/teams/acme/tokens', token, { user: 'ana' }) },
    { weight: 3, arbitrary: asking('PATCH', '/admin/teams/acme/tokens/{token}', token) },
    asking('POST', '/admin/teams/acme/tokens/{token}/rotate', someOf({ overlap_seconds: oddNumber })),
    asking('POST', '/admin/teams/acme/end-users/visitor-7/suspend', fc.constant({})),
    asking('DELETE', '/admin/teams/acme/tokens/{token}', fc.constant({})),
    asking('DELETE', '/admin/teams/acme/users/ana', fc.constant({})),
    asking('POST', '/admin/admins', administrator, { role: 'auditor' }),
    asking('PATCH', '/admin/settings', settings),
    person,
    asking('POST', '/admin/import', row),
  ),
  { minLength: 1, maxLength: 6 },
);

function asking(
  method: string,
  path: string,
  body: fc.Arbitrary<JsonObject>,
  fixed: JsonObject = {},
): fc.Arbitrary<Asked> {
  return body.map((fields) => ({ method, path, body: { ...fields, ...fixed } }));
}

/** JSON with numbers as they were meant. */
function jsonOf(body: object): string {
  return JSON.stringify(body).replaceAll(new RegExp(`"${numberMark}([^"]+)"`, 'g'), '$1');
}

const issuer: TrustedIssuer = {
  issuer: 'https://id.example',
  jwksUri: null,
  audiences: ['app'],
  algorithms: ['RS256'],
  isPublic: false,
  team: { kind: 'fixed', team: 'acme' },
  require: {},
  users: 'create',
  maxExchanges: 1,
  session: {},
};

function importOf(fields: JsonObject): object {
  const ofGamma = { team: 'gamma' };
  return documentOf({
    teams: [teamRow('gamma')],
    users: [userRow('ana', ofGamma)],
    tokens: [tokenRow('tok_9', { ...fields, ...ofGamma })],
  });
}

/** Asks again without the fields that are refused, so that those beside them come through. */
async function asFarAsAccepted(admin: Harness, { method, path, body }: Asked): Promise<Answer> {
  const isImport = path === '/admin/import';
  const answer = await admin.call(method, path, jsonOf(isImport ? importOf(body) : body));
  if (answer.status !== 400) return answer;
  const depth = isImport ? 'tokens.0.'.split('.').length - 1 : 0;
  const refused = new Set<unknown>(
    problemsOf(answer).map((param) => (typeof param === 'string' ? param.split('.')[depth] : null)),
  );
  const rest = Object.fromEntries(Object.entries(body).filter(([name]) => !refused.has(name)));
  if (Object.keys(rest).length === Object.keys(body).length) throw new Error(JSON.stringify(answer.body));
  return asFarAsAccepted(admin, { method, path, body: rest });
}

/** Does what a story asks for; whatever is refused is refused. */
async function told(
  admin: Harness,
  asked: readonly (Asked | { person: string; email: string | null })[],
): Promise<void> {
  await admin.seed();
  let { id } = await admin.issue();
  for (const each of asked) {
    if ('person' in each) {
      if (each.person === '') continue;
      const claims = { email: each.email, email_verified: true };
      const policy = { models: null, endpoints: null, origins: null, tools: null, session_proof: null };
      await provide(admin.deps(), { issuer, subject: each.person, claims, team: 'acme', policy });
      continue;
    }
    const { status, body } = await asFarAsAccepted(admin, {
      ...each,
      path: each.path.replace('{token}', id),
    });
    expect(status).toBeLessThan(500);
    if (status === 201 && each.path.endsWith('/tokens')) id = body['id'] as string;
  }
}

async function exported(admin: Harness): Promise<JsonObject> {
  const { status, body } = await admin.call('GET', '/admin/export');
  expect(status).toBe(200);
  const { exported_at: _at, store: _store, ...identities } = body;
  return identities;
}

/** It was accepted once, and no export could be imported after that. */
const beyondYears = {
  method: 'PATCH',
  path: '/admin/teams/acme/tokens/{token}',
  body: { expires_at: '9999-12-31T23:59:59-23:59' },
};

describe('whatever is accepted', () => {
  it('can be exported, imported and loaded at start, and is the same then', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (asked) => {
        const admin = new Harness();
        await told(admin, asked);
        const document = await admin.call('GET', '/admin/export');
        const other = new Harness();
        const rows = Object.values(document.body).flatMap((section) =>
          Array.isArray(section) ? section : [],
        ).length;
        const imported = await other.call('POST', '/admin/import', document.body);
        expect(imported.body).toMatchObject({ created: rows });
        expect(await exported(other)).toEqual(await exported(admin));
        const again = await other.call('POST', '/admin/import', document.body);
        expect(again.body).toMatchObject({ unchanged: rows });

        const read = await readDocument(JSON.stringify(document.body));
        if (read instanceof Refusal) throw new Error(read.message);
        const started = new Harness();
        await loadIdentityFile({ document: read, archive: started.archive, log: silent });
        // A file makes no administrators.
        expect(await exported(started)).toEqual({ ...(await exported(admin)), admins: [] });
      }),
      { numRuns: 30, examples: [[[beyondYears]]] },
    );
  });
});

const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}
