import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Access,
  type DocumentedRoute,
  jsonBody,
  noContent,
  okJson,
} from '../../../../src/base/operation-docs.ts';
import { Description } from '../../../../src/operations/openapi/description.ts';
import type { OpenApiDocument } from '../../../../src/operations/openapi/document.ts';
import { openApiDocument } from '../../../../src/operations/openapi/openapi.ts';
import { DocumentedApi } from '../../../support/described-api.ts';

const thing = z.object({ name: z.string() }).meta({ id: 'Thing' });

function routeFor(access: Access, more: Partial<DocumentedRoute['methods']['GET']> = {}): DocumentedRoute {
  const docs = { summary: 'Do something', answer: okJson(thing) };
  return { path: '/v1/things/:thing', methods: { GET: { docs, access, ...more } } };
}

function schemaOf(...routes: DocumentedRoute[]): DocumentedApi {
  return new DocumentedApi(openApiDocument({ version: '1', routes }));
}

const name = 'GET /v1/things/{thing}';

describe('the codes an operation may answer with', () => {
  it('are those of any request where anyone may ask', () => {
    expect(schemaOf(routeFor('anyone')).codesOf(name).toSorted()).toEqual([
      'expectation_failed',
      'headers_too_large',
      'https_required',
      'internal_error',
      'invalid_request',
      'not_implemented',
      'request_timeout',
    ]);
  });

  it('follow from whose credential it asks for', () => {
    expect(schemaOf(routeFor('session or user')).codesOf(name)).not.toContain('role_not_allowed');
    expect(schemaOf(routeFor('user')).codesOf(name)).toEqual(
      expect.arrayContaining(['missing_token', 'origin_not_allowed', 'role_not_allowed']),
    );
    const ofAdministrators = schemaOf(routeFor('administrator')).codesOf(name);
    expect(ofAdministrators).toEqual(expect.arrayContaining(['missing_token', 'not_found']));
    expect(ofAdministrators).not.toContain('origin_not_allowed');
  });

  it('are those of a body only where there is one, and of the upstream only where it is asked', () => {
    const docs = { summary: 'Take something', body: jsonBody(thing), answer: noContent };
    expect(schemaOf(routeFor('user')).codesOf(name)).not.toContain('invalid_json');
    expect(schemaOf(routeFor('user', { docs })).codesOf(name)).toContain('invalid_json');
    expect(schemaOf(routeFor('user')).codesOf(name)).not.toContain('upstream_timeout');
    expect(schemaOf(routeFor('user', { forwarded: true })).codesOf(name)).toContain('upstream_timeout');
  });

  it('are held apart in the shape of its errors', () => {
    const api = schemaOf(routeFor('user'));
    const error = { message: 'No.', type: 'authentication_error', param: null, request_id: null };
    const answer = (code: string): string | null =>
      api.problemWith(name, {
        status: 401,
        mediaType: 'application/json',
        body: { error: { ...error, code } },
      });
    expect(answer('missing_token')).toBeNull();
    expect(answer('not_found')).toContain('must be equal to one of the allowed values');
  });
});

describe('an operation', () => {
  it('has the parameters of its path and its query, with what each may be', () => {
    const query = z.strictObject({
      limit: z.string().regex(/^\d+$/).meta({ description: 'How many.' }).exactOptional(),
    });
    const docs = { summary: 'List things', query, answer: okJson(thing) };
    expect(schemaOf(routeFor('anyone', { docs })).operation(name).parameters).toEqual([
      { name: 'thing', in: 'path', required: true, schema: { type: 'string' } },
      {
        name: 'limit',
        in: 'query',
        required: false,
        description: 'How many.',
        schema: { type: 'string', pattern: '^\\d+$' },
        example: '100',
      },
    ]);
  });

  it('refers to a named schema, which is there once', () => {
    const { document } = schemaOf(routeFor('anyone'));
    expect(document.paths['/v1/things/{thing}']?.['get']?.responses['200']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
    });
    expect(document.components.schemas['Thing']).toEqual({
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
    });
  });

  it('says who may, and that a session may not', () => {
    expect(
      schemaOf(routeFor('administrator', { needed: 'the role admin' })).operation(name).description,
    ).toBe('Needs the role admin.');
    expect(schemaOf(routeFor('user')).operation(name).description).toMatch(/a session is refused/);
  });
});

describe('Description', () => {
  it('is made when it is first asked for, and then kept', () => {
    let asked = 0;
    const routes = (): DocumentedRoute[] => {
      asked += 1;
      return [routeFor('anyone')];
    };
    const description = new Description(routes);
    expect(asked).toBe(0);
    const { json, etag } = description;
    expect((JSON.parse(json) as OpenApiDocument).info.title).toBe('Tollgate');
    expect([description.json, description.etag]).toEqual([json, etag]);
    expect(asked).toBe(1);
  });
});
