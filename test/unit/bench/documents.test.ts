import { describe, expect, test } from 'vitest';
import { checkDocuments, filled } from '../../../bench/documents.ts';

const document = [
  'Before.',
  '<!-- bench:aims -->',
  'old',
  '',
  'lines',
  '<!-- /bench -->',
  'Between.',
  '<!-- bench:short-chat -->',
  '<!-- /bench -->',
  'After.',
].join('\n');

describe('figures in documents', () => {
  test('replace what stood between their markers, and nothing else', () => {
    expect(filled(document, { aims: '| a |\n| $& |\n', 'short-chat': 'new' })).toBe(
      [
        'Before.',
        '<!-- bench:aims -->',
        '| a |',
        '| $& |',
        '<!-- /bench -->',
        'Between.',
        '<!-- bench:short-chat -->',
        'new',
        '<!-- /bench -->',
        'After.',
      ].join('\n'),
    );
  });

  test('can be written again', () => {
    const texts = { aims: 'x', 'short-chat': 'y' };
    const once = filled(document, texts);
    expect(filled(once, texts)).toBe(once);
  });

  test('are refused for a marker that no run fills', () => {
    expect(() => filled(document, { aims: 'x' })).toThrow('bench:short-chat');
  });

  test('are refused if a marker is not closed, also before one that is', () => {
    const open = document.replace('<!-- /bench -->\n', '');
    expect(() => filled(open, { aims: 'x', 'short-chat': 'y' })).toThrow('not closed');
  });

  test('have markers in the documents that a run can fill', async () => {
    await expect(checkDocuments()).resolves.toBeUndefined();
  });
});
