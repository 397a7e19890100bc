/** A session of the console, as a browser uses it. */
export interface ConsoleSession {
  cookie: string;
  /** Asks `/console/api` as the console's page does. */
  ask: (
    method: string,
    path: string,
    body?: object,
  ) => Promise<{ status: number; body: Record<string, unknown> }>;
}

/** What a browser sends with every request of the page. */
export const ownHeaders = { 'sec-fetch-site': 'same-origin', 'x-tollgate-console': '1' };

/** Sends a credential, or the code of a link. */
export function signIn(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/console/api/session`, {
    method: 'POST',
    headers: { ...ownHeaders, ...headers },
    body: JSON.stringify(body),
  });
}

/** The cookie that an answer sets; '' if it sets none. */
export function cookieIn(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

/** Signs in, and gives what the page has from then on. */
export async function consoleSession(url: string, credential: string): Promise<ConsoleSession> {
  const response = await signIn(url, { credential });
  if (response.status !== 200) throw new Error(`no session: ${response.status} ${await response.text()}`);
  return sessionWith(url, cookieIn(response));
}

export function sessionWith(url: string, cookie: string): ConsoleSession {
  return {
    cookie,
    ask: async (method, path, body) => {
      const answer = await fetch(`${url}/console/api${path}`, {
        method,
        headers: { ...ownHeaders, cookie },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      };
    },
  };
}
