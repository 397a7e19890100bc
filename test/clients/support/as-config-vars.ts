import { onTestFinished } from 'vitest';
import type { Connection } from './client.ts';

/** Sets INFERENCE_URL and its like to a connection until the test is over: all that an app on Heroku changes. */
export function asConfigVars({ url, token }: Connection, names: readonly string[]): void {
  const before = { ...process.env };
  onTestFinished(() => {
    process.env = before;
  });
  for (const name of names) {
    process.env[`${name}_URL`] = url;
    process.env[`${name}_KEY`] = token;
  }
}
