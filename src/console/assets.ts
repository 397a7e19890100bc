import { Worker } from 'node:worker_threads';
import { staticFile, type StaticFile } from '../edge/static-file.ts';
import type { JoinedPages } from './join-worker.ts';

export interface ConsoleAssets {
  script: StaticFile;
  style: StaticFile;
}

let made: Promise<ConsoleAssets> | null = null;

/** The script and the style of the pages, made when somebody first opens the console, and kept. */
export function consoleAssets(): Promise<ConsoleAssets> {
  made ??= make().catch((error: unknown) => {
    made = null; // the next one may have more luck
    throw error;
  });
  return made;
}

async function make(): Promise<ConsoleAssets> {
  const joined = await joinedPages();
  const [script, style] = await Promise.all([
    staticFile('console', 'js', { type: 'text/javascript; charset=UTF-8', text: joined.script }),
    staticFile('console', 'css', { type: 'text/css; charset=UTF-8', text: joined.style }),
  ]);
  return { script, style };
}

function joinedPages(): Promise<JoinedPages> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./join-worker.ts', import.meta.url));
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
