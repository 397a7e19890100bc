import { spawn } from 'node:child_process';

/*
 * `check.ts <npm script> ...`: runs npm scripts at once. Each one's output is printed whole when it ends, so that it
 * stays readable. Ends with 1 if any of them failed.
 */

async function run(script: string): Promise<boolean> {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  console.log(`${code === 0 ? 'passed' : 'FAILED'}: npm run ${script}\n${output}`.trimEnd());
  return code === 0;
}

const passed = await Promise.all(process.argv.slice(2).map(run));
process.exit(passed.every(Boolean) ? 0 : 1);
