import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;
const pages = [
  ...markdownIn('.'),
  ...markdownIn('docs'),
  ...markdownIn('docs/decisions'),
  'client/README.md',
  'examples/browser/README.md',
  'test/clients/README.md',
];

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => normalize(join(folder, name)));
}

const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(page: string): string[] {
  const prose = textOf(page).replaceAll(/^```[^]*?^```/gm, '');
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('%s', (page) => {
  it('links to files and headings that exist', () => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const target = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names files of the source that exist', () => {
    const named = [...textOf(page).matchAll(/`((?:src|test|scripts|config)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );
    const exists = (path: string): boolean =>
      ['', '.ts', '.test.ts'].some((ending) => existsSync(join(root, path + ending)));
    expect(named.filter((path) => !exists(path))).toEqual([]);
  });
});
