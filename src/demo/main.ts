import { startDemo } from './start.ts';
import { walkthrough } from './walkthrough.ts';

process.stdout.write(await walkthrough(await startDemo({ env: process.env })));
