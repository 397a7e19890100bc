import { expect, it } from 'vitest';
import { endpoints, endpointsByKind } from '../../../src/validation/registry.ts';

it('has one endpoint a path', () => {
  expect(new Set(endpoints.map(({ path }) => path)).size).toBe(endpoints.length);
});

it.each(Object.entries(endpointsByKind))(
  '%s: accepts its minimal body, and needs each of its fields',
  (_, endpoint) => {
    const { minimalBody } = endpoint;
    expect(endpoint.validate(minimalBody, () => null)).toMatchObject({ model: 'any', endpoint });
    for (const name of Object.keys(minimalBody)) {
      const { [name]: _left, ...rest } = minimalBody;
      expect(endpoint.validate(rest, () => null)).toMatchObject({ details: { param: name } });
    }
  },
);
