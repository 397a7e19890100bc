// @ts-check
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { fileAt } from './files.js';

/** @import { IncomingMessage, ServerResponse } from 'node:http' */

/**
 * @typedef {object} Site
 * @property {string} gateway Its origin: `https://my-gateway.example.com`.
 * @property {string} token The user's token, `tgk_…`: it never leaves this process.
 * @property {number} [port] Default: 0, any free port.
 * @property {{ issuer: string, clientId: string }} [signIn] For `oidc.html`, which needs nothing else of a back end.
 */

/** What a visitor may do, and for how long. The gateway holds every request of the page to it. */
const session = {
  expires_in: 300,
  limits: [{ metric: 'requests', window: 'minute', max: 20 }],
  pinned: {
    model: 'claude-4-5-haiku',
    max_tokens: 200,
    messages: [{ role: 'system', content: 'You answer in one short paragraph.' }],
  },
};

/** The site has two names, and so two origins: the gateway must admit both. */
export const originsAt = (/** @type {number} */ port) => [
  `http://127.0.0.1:${port}`,
  `http://localhost:${port}`,
];

/**
 * The back end of a site: it trades the user's token for sessions, and serves the pages.
 * @param {Site} site
 */
export async function startBackend({ gateway, token, port = 0, signIn }) {
  /** @type {string[]} */
  let origins = [];
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch((error) => {
      console.error('The back end failed:', error);
      sendError(response, 502, 'backend_failed', 'This site cannot answer at the moment.');
    });
  });
  server.maxConnections = 100;

  /** @type {(request: IncomingMessage, response: ServerResponse) => Promise<void>} */
  async function answer(request, response) {
    const origin = `http://${request.headers.host}`;
    // A page of any other name for this address would be let in by the browser (DNS rebinding).
    if (!origins.includes(origin)) return sendError(response, 421, 'wrong_host', 'No such site.');
    if (request.url === '/session') return giveSession(request, response, origin);
    const file = await fileAt(request, { gateway, ...signIn });
    if (file === null) return sendError(response, 404, 'not_found', 'There is nothing here.');
    response.writeHead(200, { 'cache-control': 'no-store', ...file.headers }).end(file.body);
  }

  /** @type {(request: IncomingMessage, response: ServerResponse, origin: string) => Promise<void>} */
  async function giveSession(request, response, origin) {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return sendError(response, 405, 'method_not_allowed', 'Use POST to get a session.');
    }
    if (!isFromOwnPage(request, origin)) {
      return sendError(response, 403, 'foreign_page', "Sessions are for this site's own pages.");
    }
    if (!isSmall(request)) return sendError(response, 413, 'body_too_large', 'Send a thumbprint, no more.');
    const jkt = thumbprintIn(await textOf(request));
    if (jkt === null) return sendError(response, 400, 'invalid_body', 'Send { "jkt": "…" }, of your key.');

    const made = await fetch(new URL('/v1/sessions', gateway), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({
        ...session,
        origins: [origin],
        end_user: visitorOf(request, response),
        cnf: { jkt }, // good only with the key of this page
      }),
      signal: AbortSignal.timeout(10_000),
    });
    const body =
      /** @type {{ token: string, expires_in: number, error: { code: string, message: string } }} */ (
        await made.json()
      );
    if (made.status !== 201) return passOn(response, made, body.error);
    sendJson(response, 200, { token: body.token, expires_in: body.expires_in });
  }

  server.listen(port, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The back end has no port.');
  origins = originsAt(address.port);
  return {
    origin: `http://127.0.0.1:${address.port}`,
    /** Its other names, and this one. */
    origins,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Whose session it is, for the ledger. This site knows a browser by its cookie. A real site looks up who is signed in
 * here, and refuses everyone else: a visitor who drops the cookie is another.
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
function visitorOf({ headers: { cookie = '' } }, response) {
  const known = /(?:^|; )visitor=([0-9a-f-]{36})(?:;|$)/.exec(cookie)?.[1];
  const visitor = known ?? randomUUID();
  response.setHeader('set-cookie', `visitor=${visitor}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000`);
  return `visitor-${visitor}`;
}

/**
 * Browsers send both headers, and no page can change them. Without this check, any site could get sessions here through
 * its visitors.
 * @param {IncomingMessage} request
 * @param {string} origin
 */
function isFromOwnPage({ headers }, origin) {
  return headers.origin === origin && headers['sec-fetch-site'] === 'same-origin';
}

/** @param {IncomingMessage} request */
function isSmall({ headers }) {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= 200;
}

/** @param {string} text */
function thumbprintIn(text) {
  return /^\{"jkt":"([\w-]{43})"\}$/.exec(text)?.[1] ?? null;
}

/**
 * A temporary refusal is passed on to the page. Any other concerns this site's own token or request, not the visitor: it
 * goes to the site's log.
 * @param {ServerResponse} response
 * @param {Response} made
 * @param {{ code: string, message: string }} error
 */
function passOn(response, made, error) {
  if (made.status === 429 || made.status === 503) {
    response.setHeader('retry-after', made.headers.get('retry-after') ?? '1');
    return sendError(response, made.status, error.code, error.message);
  }
  console.error(`No session: ${made.status} ${error.code}: ${error.message}`);
  sendError(response, 502, 'no_session', 'This site cannot get a session at the moment.');
}

/** @type {(response: ServerResponse, status: number, code: string, message: string) => void} */
function sendError(response, status, code, message) {
  if (response.headersSent) response.destroy();
  else sendJson(response, status, { error: { code, message } });
}

/** @type {(response: ServerResponse, status: number, value: unknown) => void} */
function sendJson(response, status, value) {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(JSON.stringify(value));
}

// Not import.meta.main, which a Node before 24 does not know: nothing would happen there.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { TOLLGATE_URL: gateway, TOLLGATE_TOKEN: token, PORT: port = '3001' } = process.env;
  if (!gateway || !token) throw new TypeError('TOLLGATE_URL and TOLLGATE_TOKEN must be set.');
  const { origin } = await startBackend({ gateway, token, port: Number(port) });
  console.log(`${origin}/`);
}
