import type { Page } from 'playwright-core';
import type { ErrorBody } from './gateway-client.ts';

/** Runs the body of an async function in the page, with JSON values in it by name; gives what it returns. */
export function runIn(page: Page, values: Record<string, unknown>, body: string): Promise<unknown> {
  const names = Object.keys(values).join(', ');
  return page.evaluate(`(async ({ ${names} }) => { ${body} })(${JSON.stringify(values)})`);
}

/** A request as a page's JavaScript sends it. */
export interface Asked {
  url: string;
  method?: string;
  token?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: object;
}

/** What a page's JavaScript could read of the answer. */
export interface Seen {
  status: number;
  /** By names in lower case. */
  headers: Record<string, string>;
  /** The `error` of a JSON answer; null where there is none. */
  error: ErrorBody | null;
  /** What fetch rejected with; null where it gave an answer. */
  thrown: string | null;
}

/** The same for any global scope that has `fetch`: an expression that gives what was seen. */
export function fetchExpression({ url, method = 'POST', token, headers = {}, body }: Asked): string {
  const credential = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const init = { method, headers: { ...credential, ...headers }, body: body && JSON.stringify(body) };
  return `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
    async (answer) => ({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      error: (await answer.json().catch(() => ({}))).error ?? null,
      thrown: null,
    }),
    (error) => ({ status: 0, headers: {}, error: null, thrown: String(error) }),
  )`;
}

/** Sends a request from a page. */
export async function askFrom(page: Page, asked: Asked): Promise<Seen> {
  return (await page.evaluate(fetchExpression(asked))) as Seen;
}
