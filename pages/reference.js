/* `/docs`: shows the API's description, and sends what somebody tries out. */

/** @typedef {{ schema: { pattern?: string }, required: boolean, example?: string, description?: string }} Parameter */
/** @typedef {{ paths: Record<string, Record<string, { parameters?: Parameter[] }>>, webhooks?: object }} Description */
/** @typedef {{ kind: 'root' | 'administrator' | 'token', id: string }} Session who is signed in to the console */

const consoleApi = '/console/api';
const ofConsole = { 'x-tollgate-console': '1' };
/** What the console's session may call. Sent there, it needs no credential. */
const bySession = /^\/(?:admin\/|v1\/(?:me(?:\/|$)|models$|sessions$))/;
const tokenLivesS = 900;
/** A token is not used that might end while a request is on its way. */
const renewedBeforeMs = 60_000;

const session = signedIn();
void session.then(sayWho);

/** Who is signed in; null if nobody is. */
async function signedIn() {
  try {
    const response = await fetch(`${consoleApi}/session`, { headers: ofConsole });
    if (!response.ok) return null;
    const body = /** @type {{ session: Session | null }} */ (await response.json());
    return body.session;
  } catch {
    return null;
  }
}

/** @param {Session | null} found */
function sayWho(found) {
  const who = document.querySelector('#who');
  if (!who) return;
  who.textContent =
    found === null
      ? 'To try an operation, sign in to the console, or give a credential under Authorize. It is kept until you leave this page.'
      : `You are signed in to the console as ${found.id}. Operations that you try need no other credential.`;
}

/**
 * A request that somebody tries out goes with the credential that they gave, else by the session of the console.
 *
 * @param {SwaggerRequest} request
 */
async function authorized(request) {
  const { origin, pathname, search } = new URL(request.url, location.href);
  const found = await session;
  if (found === null || origin !== location.origin || hasCredential(request)) return request;
  if (bySession.test(pathname)) {
    request.url = `${origin}${consoleApi}${pathname}${search}`;
    Object.assign(request.headers, ofConsole);
  } else if (found.kind === 'token' && pathname.startsWith('/v1/')) {
    const token = await mintedToken();
    if (token !== null) request.headers['Authorization'] = `Bearer ${token}`;
  }
  return request;
}

/** @param {SwaggerRequest} request */
function hasCredential({ headers }) {
  return Object.keys(headers).some((name) => /^(?:authorization|x-api-key)$/i.test(name));
}

/** @type {{ token: string, endsAtMs: number } | null} */
let minted = null;

/** A short-lived token of the holder, for the endpoints that are forwarded. Only this page's memory has it. */
async function mintedToken() {
  if (minted !== null && Date.now() < minted.endsAtMs - renewedBeforeMs) return minted.token;
  const response = await fetch(`${consoleApi}/v1/sessions`, {
    method: 'POST',
    headers: { ...ofConsole, 'content-type': 'application/json' },
    body: JSON.stringify({ expires_in: tokenLivesS }),
  });
  if (!response.ok) return null;
  const made = /** @type {{ token: string, expires_at: string }} */ (await response.json());
  minted = { token: made.token, endsAtMs: Date.parse(made.expires_at) };
  return made.token;
}

/** Finds operations by group, method, path and summary. */
function searching() {
  return {
    fn: {
      /** @param {SwaggerTags} tags @param {string} phrase */
      opsFilter(tags, phrase) {
        const words = phrase.toLowerCase().split(/\s+/);
        /** @param {string} text */
        const has = (text) => words.every((word) => text.toLowerCase().includes(word));
        return tags
          .map((tag, name) =>
            tag.set(
              'operations',
              tag.get('operations').filter((each) => has(`${name} ${textOf(each)}`)),
            ),
          )
          .filter((tag) => tag.get('operations').size > 0);
      },
    },
  };
}

/** @param {SwaggerMap} each */
function textOf(each) {
  const operation = /** @type {SwaggerMap} */ (each.get('operation'));
  return [each.get('method'), each.get('path'), operation.get('summary')].join(' ');
}

/**
 * Follows references. The description refers to nothing but itself, so this is a walk; Swagger UI takes seconds for it,
 * anew for every operation.
 *
 * @returns {SwaggerPlugin}
 */
function following() {
  return {
    fn: {
      resolveSubtree: async (spec, path) => ({
        spec: followed(valueAt(spec, path), { spec, within: [] }),
        errors: [],
      }),
    },
  };
}

/**
 * @param {unknown} value
 * @param {{ spec: unknown, within: readonly string[] }} at the references that lead here: a schema may be part of itself
 * @returns {unknown}
 */
function followed(value, at) {
  if (Array.isArray(value)) return value.map((each) => followed(each, at));
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value && typeof value.$ref === 'string') {
    const { $ref } = value;
    if (at.within.includes($ref)) return value;
    const target = followed(valueAt(at.spec, $ref.split('/').slice(1)), {
      ...at,
      within: [...at.within, $ref],
    });
    // Swagger UI has the names of schemas from here.
    return typeof target === 'object' ? { ...target, $$ref: $ref } : target;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, followed(each, at)]));
}

/**
 * @param {unknown} value
 * @param {readonly string[]} path
 */
function valueAt(value, path) {
  return path.reduce(
    (inside, name) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, name) : undefined),
    value,
  );
}

/**
 * What readers of a screen step through: each part is a landmark with a name, headings have their order, and no link is
 * inside a button. There is one server, so there is no choice of servers.
 *
 * @returns {SwaggerPlugin}
 */
function plainer() {
  return {
    wrapComponents: {
      ServersContainer: () => () => null,
      DeepLink:
        (_, { React }) =>
        ({ text = '' }) =>
          React.createElement('span', null, text),
      InfoContainer:
        (Info, { React }) =>
        (props) =>
          React.createElement('section', { 'aria-label': 'About' }, React.createElement(Info, props)),
      FilterContainer:
        (Filter, { React }) =>
        (props) =>
          React.createElement(
            'section',
            { 'aria-label': 'Search', className: 'search' },
            React.createElement('h2', null, 'Operations'),
            React.createElement(Filter, props),
          ),
    },
  };
}

/* Swagger UI takes every fragment for an operation's, so the link to the operations moves the focus itself. */
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  document.querySelector('main')?.focus();
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const followScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followScheme);
followScheme();

/**
 * The description with no more filled in than a request needs, and without patterns that Swagger UI reads in another
 * way than they are meant (it has no flag `u`). The gateway checks them. Webhooks are nothing to try, and Swagger UI's filter
 * leaves them standing: docs/webhooks.md has them.
 *
 * @param {Description} description
 */
function readyToTry(description) {
  delete description.webhooks;
  for (const item of Object.values(description.paths)) {
    for (const { parameters = [] } of Object.values(item)) {
      for (const parameter of parameters) {
        delete parameter.schema.pattern;
        if (parameter.required || parameter.example === undefined) continue;
        parameter.description =
          `${parameter.description ?? ''} For example: \`${parameter.example}\`.`.trim();
        delete parameter.example;
      }
    }
  }
  return description;
}

fetch('/openapi.json')
  .then((answer) => answer.json())
  .then((read) => show(readyToTry(/** @type {Description} */ (read))))
  .catch(sayFailed);

function sayFailed() {
  const place = document.querySelector('#reference');
  if (place) place.textContent = 'The description of the API could not be shown. Load the page again.';
}

/** @param {Description} spec */
function show(spec) {
  SwaggerUIBundle({
    spec,
    dom_id: '#reference',
    validatorUrl: null,
    deepLinking: true,
    filter: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    syntaxHighlight: { theme: 'tomorrow-night' },
    persistAuthorization: false,
    // Else the command that is shown would have the token that was made for it.
    showMutatedRequest: false,
    requestInterceptor: authorized,
    plugins: [following, searching, plainer],
  });
}
