import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonBody, okJson, type DocumentedRoute } from '../../../../src/base/operation-docs.ts';
import { openApiDocument } from '../../../../src/operations/openapi/openapi.ts';
import { descriptionPage } from '../../../../src/operations/openapi/page.ts';

const hostile = `<img src=x onerror="alert(1)">&'`;

const routes: DocumentedRoute[] = [
  {
    path: '/v1/things/:thing',
    methods: {
      POST: {
        docs: {
          summary: hostile,
          details: hostile,
          query: z.object({ [hostile]: z.string().meta({ description: hostile }) }),
          body: jsonBody(
            z.object({
              [hostile]: z.enum([hostile]).meta({ description: hostile }),
              text: z.string().regex(/<b>/).min(1).max(9),
              many: z.array(z.object({ inside: z.int().min(2) })).max(3),
            }),
          ),
          answer: okJson(z.object({ ok: z.literal(hostile) }).meta({ id: 'Thing', description: hostile })),
          refusals: ['already_exists'],
        },
        access: 'user',
        needed: hostile,
      },
    },
  },
];
const page = descriptionPage(openApiDocument({ version: hostile, routes }));

describe('the page of a description', () => {
  it('shows text as text, whatever it is', () => {
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>/');
    expect(page).toContain('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#38;&#39;');
  });

  it('shows parameters, fields however deep, their bounds, answers and the codes of refusals', () => {
    expect(page).toContain('<code>thing</code> <small>in the path, required</small>');
    expect(page).toContain('string (1 to 9 characters) <code>&#60;b&#62;</code>');
    expect(page).toContain('array of object (at most 3 items)');
    expect(page).toContain('<dt><code>inside</code> <small>required</small></dt>');
    expect(page).toContain('integer (at least 2)');
    expect(page).toContain('<a href="#schema-Thing">Thing</a>');
    expect(page).toMatch(/<dt>409<\/dt>\s*<dd><code>already_exists<\/code><\/dd>/);
  });

  it('links to nothing that is not on it', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  });
});
