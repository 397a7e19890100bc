import { describe, expect, it } from 'vitest';
import { fieldPath, isOptional, withoutField } from '../../../src/base/field-path.ts';
import type { JsonObject } from '../../../src/base/request.ts';

describe('the path of a field', () => {
  it.each([
    ['store', 'store'],
    ['tools.0.strict', 'tools.*.strict'],
    ['tools[12].strict', 'tools.*.strict'],
    ['$.tools[0].strict', 'tools.*.strict'],
    ['#/tools/0/strict', 'tools.*.strict'],
    ['body.store', 'store'],
    ['body', 'body'],
    ['tools.*.strict', 'tools.*.strict'],
    ['messages.0.content.1.cache_control.ttl', 'messages.*.content.*.cache_control.ttl'],
  ])('is read from %j', (text, path) => {
    expect(fieldPath(text)?.join('.')).toBe(path);
  });

  it.each([
    '',
    '.',
    'a b',
    'a..b',
    'messages.0',
    '0x',
    'é',
    'a'.repeat(65),
    'a.'.repeat(12) + 'a',
    'store\r\nx: y',
  ])('is not %j', (text) => {
    expect(fieldPath(text)).toBeNull();
  });
});

describe('a request can do', () => {
  const optional = (text: string): boolean => isOptional(fieldPath(text) ?? ['model']);

  it.each([
    'store',
    'context_management',
    'output_config',
    'stream_options',
    'temperature',
    'thinking',
    'metadata',
    'tools.*.strict',
    'tools.*.function.strict',
    'tools.*.cache_control',
    'messages.*.content.*.cache_control.ttl',
    'messages.*.reasoning_content',
    'output_config.effort',
  ])('without %s', (text) => {
    expect(optional(text)).toBe(true);
  });

  it.each([
    'model',
    'messages',
    'system',
    'max_tokens',
    'max_completion_tokens',
    'n',
    'stop',
    'stream',
    'tools',
    'tool_choice',
    'response_format',
    'mcp_servers',
    'dimensions',
    'messages.*.content',
    'messages.*.role',
    'tools.*.name',
    'tools.*.input_schema',
    'tools.*.input_schema.properties.a',
    'tools.*.function.parameters.strict',
    'tools.*.runtime_params',
    'tools.*.max_uses',
    'messages.*.tool_calls.*.function.arguments.store',
    'output_config.format',
    'thinking.budget_tokens',
  ])('not without %s', (text) => {
    expect(optional(text)).toBe(false);
  });
});

describe('a body without a field', () => {
  const without = (body: JsonObject, path: string): JsonObject => withoutField(body, fieldPath(path) ?? []);

  it('has it nowhere, and is not copied elsewhere', () => {
    const kept = { name: 'b' };
    const body = { store: true, tools: [{ name: 'a', strict: true }, kept], other: { strict: 1 } };
    const result = without(body, 'tools.0.strict');
    expect(result).toEqual({ store: true, tools: [{ name: 'a' }, kept], other: { strict: 1 } });
    expect((result['tools'] as unknown[])[1]).toBe(kept);
    expect(result['other']).toBe(body.other);
    expect(body.tools[0]).toEqual({ name: 'a', strict: true });
    expect(without(body, 'store')).toEqual({ tools: body.tools, other: body.other });
  });

  it('is itself if the field is not there', () => {
    const body = { tools: [{ name: 'a' }], metadata: null };
    for (const path of ['store', 'tools.0.strict', 'metadata.user_id', 'tools.strict.x']) {
      expect(without(body, path)).toBe(body);
    }
  });

  it('finds it behind the types that Anthropic puts into paths', () => {
    const control = { type: 'ephemeral', ttl: '1h' };
    const body = {
      system: [{ type: 'text', text: 'a', cache_control: control }],
      tools: [{ name: 'a', defer_loading: true }],
    };
    expect(without(body, 'system.0.text.cache_control.ephemeral.ttl')['system']).toEqual([
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
    ]);
    expect(without(body, 'tools.0.custom.defer_loading')['tools']).toEqual([{ name: 'a' }]);
  });

  it('keeps one that says which shape the answer must have', () => {
    const body = { output_config: { effort: 'high', format: { type: 'json_schema' } } };
    expect(without(body, 'output_config')).toBe(body);
    expect(without(body, 'output_config.effort')).toEqual({
      output_config: { format: { type: 'json_schema' } },
    });
    expect(without({ output_config: { effort: 'high' } }, 'output_config')).toEqual({});
  });

  it('is plain for a name that every object has', () => {
    const body = { a: 1 };
    for (const path of ['constructor', 'toString', '__proto__']) expect(without(body, path)).toBe(body);
  });
});
