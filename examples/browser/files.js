// @ts-check
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

/**
 * @typedef {{ gateway: string, issuer?: string, clientId?: string }} Settings What the pages may know: nothing secret.
 * @typedef {{ body: string | Buffer, headers: Record<string, string> }} File
 */

const pages = new Set(['/index.html', '/fetch.html', '/openai.html', '/oidc.html']);
const parts = new Set(['/style.css', '/chat-page.js', '/sign-in.js']);

/** @type {Record<string, string>} */
const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};

/**
 * The file that a request names; null if there is none.
 * @param {{ method?: string | undefined, url?: string | undefined }} request
 * @param {Settings} settings
 * @returns {Promise<File | null>}
 */
export async function fileAt({ method, url = '' }, settings) {
  if (method !== 'GET') return null;
  const path = URL.parse(url, 'http://site.invalid')?.pathname.replace(/^\/$/, '/index.html') ?? '';
  const headers = { 'content-type': types[extname(path)] ?? '', 'x-content-type-options': 'nosniff' };
  if (path === '/settings.js') return { body: settingsModule(settings), headers };

  const place = placeOf(path);
  const body = place && (await readFile(place).catch(() => null));
  if (!body) return null;
  if (!pages.has(path)) return { body, headers };
  const policy = contentPolicy(body.toString(), settings);
  return {
    body,
    headers: { ...headers, 'content-security-policy': policy, 'referrer-policy': 'no-referrer' },
  };
}

/**
 * Where a path's file is. Only listed files are served. The parser of the URL has resolved any `..` already.
 * @param {string} path
 */
function placeOf(path) {
  if (pages.has(path) || parts.has(path)) return new URL(`.${path}`, import.meta.url);
  const [, inClient] = /^\/client\/(\w+\.js)$/.exec(path) ?? [];
  if (inClient !== undefined) return new URL(`../../client/${inClient}`, import.meta.url);
  const [, inPackage] = /^\/openai\/([\w-][\w/.-]*\.m?js)$/.exec(path) ?? [];
  return inPackage === undefined ? null : new URL(inPackage, import.meta.resolve('openai'));
}

/** @param {Settings} settings */
function settingsModule(settings) {
  return `export const { gateway, issuer, clientId } = ${JSON.stringify(settings)};\n`;
}

/**
 * Scripts of this site and the ones written in the page itself; connections to this site, the gateway and the issuer.
 * @param {string} html
 * @param {Settings} settings
 */
function contentPolicy(html, { gateway, issuer = '' }) {
  const inline = [...html.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)].map(([, script = '']) => script);
  const hashes = inline.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(' ')}`,
    "style-src 'self'",
    'img-src data:', // the icon, which is none
    `connect-src 'self' ${gateway} ${issuer}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
