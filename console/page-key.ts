/* Sessions that are bound to a key of this page: RFC 9449. The key cannot leave the browser. */

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Sends a request to the gateway with a session. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

/** With a session or a token that needs no proof. */
export function bearer(token: string): Send {
  return (path, init) => sent(path, init, { authorization: `Bearer ${token}` });
}

export interface PageKey {
  /** What a session is bound to. */
  jkt: string;
  /** With a session that is bound to this key. */
  prover(token: string): Send;
}

export async function makePageKey(): Promise<PageKey> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = { crv, kty, x, y }; // in the order that the thumbprint has (RFC 7638)
  const jkt = await sha256(JSON.stringify(jwk));

  async function proof(claims: object): Promise<string> {
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk };
    const text = `${base64url(bytesOf(JSON.stringify(header)))}.${base64url(bytesOf(JSON.stringify(claims)))}`;
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytesOf(text));
    return `${text}.${base64url(new Uint8Array(signature))}`;
  }

  return {
    jkt,
    prover(token) {
      let nonce: string | null = null;
      const once = async (path: string, init: RequestInit): Promise<Response> => {
        const dpop = await proof({
          jti: crypto.randomUUID(),
          htm: init.method ?? 'GET',
          htu: new URL(path, location.href).href,
          iat: Math.floor(Date.now() / 1_000),
          ath: await sha256(token),
          ...(nonce === null ? {} : { nonce }),
        });
        const response = await sent(path, init, { authorization: `DPoP ${token}`, dpop });
        nonce = response.headers.get('dpop-nonce') ?? nonce;
        return response;
      };
      return async (path, init) => {
        const response = await once(path, init);
        const needsNonce = response.headers.get('www-authenticate')?.includes('use_dpop_nonce') ?? false;
        if (!needsNonce) return response;
        await response.body?.cancel();
        return once(path, init);
      };
    },
  };
}

/** Without the console's cookie, which is not for /v1: the session says who asks. */
function sent(path: string, init: RequestInit, headers: Record<string, string>): Promise<Response> {
  const all = { ...headers, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) };
  return fetch(path, { ...init, headers: all, credentials: 'omit' });
}

async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(text))));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
