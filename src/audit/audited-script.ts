import { readFileSync } from 'node:fs';
import { scriptOf, type Script } from '../store/script.ts';

const around = readFileSync(new URL('./audited.lua', import.meta.url), 'utf8');
const made = new Map<string, Script>();

/** A script with audited.lua around it. Its first line, which has its flags, stays the first. */
export function audited({ name, sha, source }: Script): Script {
  const known = made.get(sha);
  if (known) return known;
  const end = source.indexOf('\n');
  const [flags, body] = [source.slice(0, end), source.slice(end + 1)];
  const script = scriptOf(name, `${flags}\nlocal function change()\n${body}\nend\n${around}`);
  made.set(sha, script);
  return script;
}
