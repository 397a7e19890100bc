import { startDemo } from './start.ts';
import { walkthrough } from './walkthrough.ts';

const withRecords = process.argv.includes('--records');
process.stdout.write(
  await walkthrough(await startDemo({ env: process.env, withRecords, withHistory: true })),
);
