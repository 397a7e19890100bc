// @ts-check

/**
 * A request to the gateway, sent as often as `send` is called, with the headers as they are then.
 * @typedef {object} Outgoing
 * @property {string} method
 * @property {URL} url
 * @property {Headers} headers
 * @property {AbortSignal | null | undefined} signal
 * @property {boolean} canRepeat
 * @property {() => Promise<Response>} send
 */

/**
 * Takes what `fetch` takes. Throws a TypeError for a URL that is not the gateway's.
 * @param {string | URL | Request} input
 * @param {RequestInit} init
 * @param {string} gateway an origin
 * @returns {Outgoing}
 */
export function outgoingOf(input, init, gateway) {
  const request = isRequest(input) ? input : undefined;
  const url = targetOf(isRequest(input) ? input.url : input, gateway);
  const headers = new Headers(init.headers ?? request?.headers);
  const signal = init.signal === undefined ? request?.signal : init.signal;
  return {
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    url,
    headers,
    signal,
    canRepeat: canRepeat(init.body),
    send: () =>
      fetch(request ? request.clone() : url, {
        ...init,
        headers,
        signal: signal ?? null,
        credentials: 'omit',
        redirect: 'manual', // followed, it could carry the token to another origin
      }),
  };
}

/** @param {string | URL} url */
export function originOf(url) {
  const { protocol, origin } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`Not an http(s) URL: ${url}`);
  return origin;
}

/**
 * @param {string | URL} url
 * @param {string} gateway
 */
function targetOf(url, gateway) {
  const target = new URL(url, gateway);
  // The protocol too: a blob: URL has the origin of the page that made it.
  if (target.origin === gateway && target.protocol.startsWith('http')) return target;
  throw new TypeError(
    `Tollgate sends requests to ${gateway} only, for they carry its token: not to ${target}`,
  );
}

/** @type {(input: string | URL | Request) => input is Request} */
function isRequest(input) {
  return typeof input === 'object' && 'url' in input; // no instanceof: it may come from another frame
}

/** @param {unknown} body */
function canRepeat(body) {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body))
    return true;
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type);
}
