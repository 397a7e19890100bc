import { spawn, type StdioOptions } from 'node:child_process';

/*
 * `check.ts <npm script> ... -- <command>`: runs npm scripts beside a command. The command's output passes as it comes;
 * the output of each script is printed after it, whole. Ends with 1 if any of them failed.
 */

/** `output` is empty if the program wrote to this process's own streams. */
interface Ended {
  passed: boolean;
  output: string;
}

function run([program = '', ...args]: readonly string[], stdio: StdioOptions): Promise<Ended> {
  const child = spawn(program, args, { stdio });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ passed: false, output: String(error) }));
    child.once('close', (code) => resolve({ passed: code === 0, output }));
  });
}

const separator = process.argv.indexOf('--');
const checks = process.argv.slice(2, separator).map((script) => ({
  script,
  ended: run(['npm', 'run', '--silent', script], ['ignore', 'pipe', 'pipe']),
}));
const command = process.argv.slice(separator + 1);
const { passed, output } = await run(command, 'inherit');
if (output !== '') console.error(output);

let allPassed = passed;
for (const { script, ended } of checks) {
  const check = await ended;
  console.log(`${check.passed ? 'passed' : 'FAILED'}: npm run ${script}\n${check.output}`.trimEnd());
  allPassed &&= check.passed;
}
if (!passed) console.log(`FAILED: ${command.join(' ')}`);
process.exit(allPassed ? 0 : 1);
