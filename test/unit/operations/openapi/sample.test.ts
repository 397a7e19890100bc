import { describe, expect, it } from 'vitest';
import { sampleOf } from '../../../../src/operations/openapi/sample.ts';
import type { SchemaObject } from '../../../../src/operations/openapi/document.ts';

const named: Record<string, SchemaObject> = {
  User: {
    type: 'object',
    properties: { id: { type: 'string' }, suspended_at: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    required: ['id', 'suspended_at'],
  },
};

function object(properties: Record<string, SchemaObject>, required: string[] = []): SchemaObject {
  return { type: 'object', properties, required };
}

describe('an example that is made from a schema', () => {
  it('has the usual value of a field, which depends on the record it is in', () => {
    const schema = object({ id: { type: 'string' }, user: { $ref: '#/components/schemas/User' } });
    expect(sampleOf(schema, named)).toEqual({ id: 'acme', user: { id: 'ana', suspended_at: null } });
  });

  it('has another value where the schema does not allow that', () => {
    const schema = object({ id: { type: 'integer', minimum: 7 }, status: { enum: ['on', 'off'] } });
    expect(sampleOf(schema, named)).toEqual({ id: 7, status: 'on' });
  });

  it('leaves out what an answer mostly has not, unless it must be there', () => {
    const warnings: SchemaObject = { type: 'array', items: { type: 'string' } };
    expect(sampleOf(object({ warnings }), named)).toEqual({});
    expect(sampleOf(object({ warnings }, ['warnings']), named)).toEqual({ warnings: ['…'] });
  });

  it('is the first of several shapes, and one item of a list', () => {
    const either: SchemaObject = { anyOf: [{ type: 'array', items: { const: 3 } }, { type: 'null' }] };
    expect(sampleOf(either, named)).toEqual([3]);
  });
});
