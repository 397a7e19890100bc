import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { outputOf } from './output-of.ts';

/** The headless shell first: it draws nothing, and takes less than half the processor time of a whole Chromium. */
const names = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];

/** A Chromium, or a browser built on it, that runs. */
export interface Chromium {
  path: string;
  version: string;
}

/** The one that `CHROMIUM_PATH` names, if it is set; else the first on the PATH. Null if none runs. */
export function findChromium({ CHROMIUM_PATH, PATH = '' }: NodeJS.ProcessEnv = process.env): Chromium | null {
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of CHROMIUM_PATH ? [CHROMIUM_PATH] : onPath) {
    // Existing is not enough: Ubuntu's chromium-browser may only name a snap to install.
    const text = existsSync(path) ? outputOf(path, '--version') : null;
    const version = /\d+(?:\.\d+)+/.exec(text ?? '')?.[0];
    if (version !== undefined) return { path, version };
  }
  return null;
}
