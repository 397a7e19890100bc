// @ts-check
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * Puts the locked Node of this platform (scripts/node-runtime) first on the PATH of npm scripts. npm 11 and later do so
 * by themselves. Earlier ones install it, and then remove `.bin/node` together with the packages of other platforms,
 * which name the same link. Plain JavaScript: any Node from 20 on runs this.
 */

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];
const found = names.find((name) => existsSync(`${modules}/${name}/bin/node`));
const link = `${modules}/.bin/node`;

if (found !== undefined && !existsSync(link)) {
  mkdirSync(`${modules}/.bin`, { recursive: true });
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link); // it leads nowhere
  symlinkSync(`../${found}/bin/node`, link);
}
