import { outputOf } from './output-of.ts';

/** A Firefox that runs. */
export interface Firefox {
  command: string;
  version: string;
}

/** The one that `FIREFOX_PATH` names, if it is set; else the first on the PATH. Null if none runs. */
export function findFirefox({ FIREFOX_PATH }: NodeJS.ProcessEnv = process.env): Firefox | null {
  for (const command of FIREFOX_PATH ? [FIREFOX_PATH] : ['firefox-esr', 'firefox']) {
    const version = /\d+(?:\.\d+)+/.exec(outputOf(command, '--version') ?? '')?.[0];
    if (version !== undefined) return { command, version };
  }
  return null;
}
