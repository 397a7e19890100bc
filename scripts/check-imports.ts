import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkImports } from './import-rules.ts';

/* Prints every import or global that breaks the layering of src/ as file:line, and fails if there is one. */

const src = join(import.meta.dirname, '..', 'src');
const files = globSync('**/*.ts', { cwd: src }).map((file) => file.replaceAll('\\', '/'));
const tree = new Map(files.sort().map((file) => [file, readFileSync(join(src, file), 'utf8')]));
const violations = checkImports(tree);

for (const { file, line, message } of violations) console.error(`src/${file}:${line}: ${message}`);
if (violations.length > 0) process.exit(1);
console.log(`imports: ${files.length} files keep the layering`);
