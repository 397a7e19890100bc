import { describe, expect, it } from 'vitest';
import { consoleAssets } from '../../../src/console/assets.ts';
import { joinModules } from '../../../src/console/modules.ts';

async function join(files: Record<string, string>): Promise<unknown> {
  const script = await joinModules('main.ts', (id) => {
    const text = files[id];
    return text === undefined ? Promise.reject(new Error(`no ${id}`)) : Promise.resolve(text);
  });
  const seen: unknown[] = [];
  // oxlint-disable-next-line typescript/no-implied-eval -- a joined script is what is tested
  new Function('tell', script)((value: unknown) => seen.push(value));
  return seen;
}

describe('joining modules', () => {
  it('gives each what it imports, by name, renamed, as default, from a folder above and from a package', async () => {
    const seen = await join({
      'main.ts': `import { one, two as zwei } from './parts/a.ts';\nimport all from 'pack';\ntell([one(), zwei, all]);`,
      'parts/a.ts': `import { three } from '../b.ts';\nexport function one() { return three; }\nexport const two = 2;`,
      'b.ts': `const hidden = 3;\nexport { hidden as three };`,
      pack: `export default 'whole'`,
    });
    expect(seen).toEqual([[3, 2, 'whole']]);
  });

  it('runs a module that two import once, and keeps private names apart', async () => {
    const seen = await join({
      'main.ts': `import { a } from './a.ts';\nimport { b } from './b.ts';\ntell([a, b]);`,
      'a.ts': `import { c } from './c.ts';\nconst own = 'a';\nexport const a = own + c;`,
      'b.ts': `import { c } from './c.ts';\nconst own = 'b';\nexport const b = own + c;`,
      'c.ts': `tell('once');\nexport const c = '!';`,
    });
    expect(seen).toEqual(['once', ['a!', 'b!']]);
  });

  it('reads minified code, as packages are published', async () => {
    const seen = await join({
      'main.ts': `import { render } from "lib";\ntell(render());`,
      lib: `import{options as n}from"core";var t=n+1;function r(){return t}export{r as render};\n//# sourceMappingURL=lib.js.map`,
      core: `var o=1;export{o as options};`,
    });
    expect(seen).toEqual([2]);
  });

  it('refuses a circle, and a form that it does not know', async () => {
    const circle = { 'main.ts': `import { a } from './a.ts';`, 'a.ts': `import { b } from './main.ts';` };
    await expect(join(circle)).rejects.toThrow('Modules import each other: main.ts → a.ts → main.ts');
    await expect(join({ 'main.ts': `import * as all from './a.ts';`, 'a.ts': '' })).rejects.toThrow(
      'not known',
    );
    await expect(join({ 'main.ts': `export * from './a.ts';`, 'a.ts': '' })).rejects.toThrow('not known');
  });
});

describe("the console's files", () => {
  it('are less than 80 kB compressed, and have names of their content', async () => {
    const { script, style } = await consoleAssets();
    expect(script.gzip.length + style.gzip.length).toBeLessThan(80_000);
    expect(script.name).toMatch(/^console\.[0-9a-f]{16}\.js$/);
    expect(style.name).toMatch(/^console\.[0-9a-f]{16}\.css$/);
  });

  it('are one script that parses', async () => {
    const { script } = await consoleAssets();
    // oxlint-disable-next-line typescript/no-implied-eval -- parsed, not run
    expect(() => new Function(script.plain.toString())).not.toThrow();
  });
});
