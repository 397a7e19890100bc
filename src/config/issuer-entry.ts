import { z } from 'zod';
import type { JsonValue } from '../base/request.ts';
import { sessionProofs } from '../base/session-proof.ts';
import { consoleClientIn, openRole, toConsoleClient } from './console-client.ts';
import { isTrustworthyUrl, type TrustedIssuer } from './issuer.ts';
import { claimValues, notEmpty, restrictsByClaim, team } from './issuer-fields.ts';

/* One issuer of ISSUERS_FILE. Messages say what is expected, and never repeat a value. */

/** Asymmetric only: with HS* anyone who knows the public key could sign, and `none` is no signature (RFC 8725, 3.2). */
const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
] as const;

const urlExpectation =
  'expected an https URL without credentials (http on 127.0.0.1, [::1] or localhost only)';
const url = z.string().refine(isTrustworthyUrl, { error: urlExpectation });
/** OIDC Discovery 1.0, section 3: no query and no fragment. */
const issuerUrl = url.refine((text) => !/[?#]/.test(text), { error: 'expected no query and no fragment' });

const audience = z.union([notEmpty, z.array(notEmpty).min(1, 'expected at least one client id')], {
  error: 'expected a client id, or a list of client ids',
});

const teamRule = z.union(
  [
    team,
    z.strictObject({
      claim: notEmpty,
      teams: z.record(notEmpty, team).refine((teams) => Object.keys(teams).length > 0, {
        error: 'expected at least one claim value with its team',
      }),
    }),
  ],
  {
    error: 'expected a team id, or an object such as {"claim": "hd", "teams": {"example.com": "acme"}}',
  },
);

const ownFields = {
  $comment: z.string().optional(),
  issuer: issuerUrl,
  jwks_uri: url.optional(),
  audience,
  algorithms: z
    .array(z.enum(algorithms, { error: `expected one of ${algorithms.join(', ')}` }))
    .min(1, 'expected at least one algorithm; leave it out for RS256')
    .default(['RS256']),
  public: z.boolean().default(true),
  team: teamRule,
  require: z.record(notEmpty, claimValues).default({}),
  users: z.enum(['create', 'existing'], { error: 'expected create or existing' }).default('existing'),
  email_verified_as_text: z.boolean('expected true or false').default(false),
  max_exchanges: z
    .int('expected a whole number from 1 to 1000')
    .min(1, 'expected a whole number from 1 to 1000')
    .max(1_000, 'expected a whole number from 1 to 1000')
    .default(20),
  session_proof: z.enum(sessionProofs, { error: `expected one of ${sessionProofs.join(', ')}` }).optional(),
  // From a JSON file, so that it is JSON.
  session: z.record(z.string(), z.custom<JsonValue>()).default({}),
  person: z
    .strictObject({ limits: z.array(z.custom<JsonValue>()).max(8, 'expected at most 8 limits') })
    .optional(),
};

function fieldsIn(env: NodeJS.ProcessEnv) {
  return z.strictObject({ ...ownFields, console: consoleClientIn(env).optional() });
}

type Fields = z.infer<ReturnType<typeof fieldsIn>>;

/** The schema of an entry. It may name variables of `env`. */
export function issuerEntryIn(env: NodeJS.ProcessEnv) {
  return fieldsIn(env).superRefine(checkEntry);
}

function checkEntry(entry: Fields, context: z.RefinementCtx): void {
  const problem = (path: keyof Fields | [keyof Fields, ...PropertyKey[]], message: string): void =>
    context.addIssue({ code: 'custom', path: [path].flat(), message });
  if (!entry.public && isWellKnownPublic(entry.issuer)) {
    problem('public', 'expected true or no value, since anyone can get an account at this issuer');
  }
  if (entry.users === 'create' && entry.public && !restricts(entry)) {
    problem(
      'users',
      'with "create", a public issuer and no rule, anyone could become a user. Add a "require" rule such as ' +
        '{"hd": ["example.com"]}, take the team from such a claim, or write "existing"',
    );
  }
  const open = entry.console && openRole(entry.console, !entry.public || requiresClaim(entry));
  if (typeof open === 'number') {
    problem(
      ['console', 'roles', open, 'claim'],
      'with a public issuer and no rule, strangers might become administrators. Add a "require" rule such as ' +
        '{"hd": ["example.com"]}, or give the role to single people by "sub" or "email"',
    );
  }
}

/** Whether a rule requires a claim that not everyone can have. */
function restricts(entry: Fields): boolean {
  return requiresClaim(entry) || (typeof entry.team !== 'string' && restrictsByClaim(entry.team.claim));
}

function requiresClaim({ require }: Fields): boolean {
  return Object.keys(require).some(restrictsByClaim);
}

/** The entry in the shape the rest of the gateway uses. Pure. */
export function toTrustedIssuer(entry: Fields): TrustedIssuer {
  return {
    issuer: entry.issuer,
    jwksUri: entry.jwks_uri ?? null,
    audiences: typeof entry.audience === 'string' ? [entry.audience] : entry.audience,
    algorithms: entry.algorithms,
    isPublic: entry.public,
    team:
      typeof entry.team === 'string' ? { kind: 'fixed', team: entry.team } : { kind: 'claim', ...entry.team },
    require: entry.require,
    users: entry.users,
    ...(entry.email_verified_as_text ? { takesTextEmailVerified: true } : {}),
    maxExchanges: entry.max_exchanges,
    session: entry.session,
    ...(entry.person ? { person: entry.person } : {}),
    ...(entry.session_proof ? { sessionProof: entry.session_proof } : {}),
    ...(entry.console ? { console: toConsoleClient(entry.console, entry.issuer) } : {}),
  };
}

/**
 * Well-known issuers where anyone can get an account, as host and path. The list need not be complete: `public`
 * defaults to true, and this only catches a wrong `false`.
 */
const publicIssuers: ReadonlySet<string> = new Set([
  'accounts.google.com',
  'login.microsoftonline.com/common',
  'login.microsoftonline.com/organizations',
  'login.microsoftonline.com/consumers',
  'login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad', // the tenant of all personal accounts
  'appleid.apple.com',
  'token.actions.githubusercontent.com',
  'gitlab.com',
  'www.facebook.com',
  'login.yahoo.com',
  'api.login.yahoo.com', // the issuer in Yahoo's own tokens
  'www.linkedin.com/oauth',
]);

/** Whether an issuer URL is one of the well-known public ones, in any spelling. */
function isWellKnownPublic(issuer: string): boolean {
  const parsed = URL.parse(issuer);
  if (parsed === null) return false;
  const path = parsed.pathname.replace(/\/+$/, '').replace(/\/v2\.0$/, '');
  return publicIssuers.has(`${parsed.hostname}${path}`.toLowerCase());
}
