/** The end of a command's help: lines that can be pasted, and that a test runs. */
export function example(...lines: readonly string[]): string {
  const [first = '', ...more] = lines.map((line) => `npm run tollgate -- ${line}`);
  return ['', `Example: ${first}`, ...more.map((line) => `         ${line}`)].join('\n');
}
