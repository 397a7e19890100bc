import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateInput } from '../../../../src/limits/reservation.ts';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { messages } from '../../../../src/validation/endpoints/messages.ts';
import { accepted, params, times } from '../verdict.ts';

const hello: JsonValue[] = [{ role: 'user', content: 'Hello' }];
const body = (more: JsonObject = {}): JsonObject => ({
  model: 'm',
  max_tokens: 2_000,
  messages: hello,
  ...more,
});
const withContent = (content: JsonValue): JsonObject => body({ messages: [{ role: 'user', content }] });
const image = (source: JsonObject): JsonObject => ({ type: 'image', source });
const base64 = (data: string): JsonObject => ({ type: 'base64', media_type: 'image/png', data });
const pdf = (data: string): JsonObject => ({
  type: 'document',
  source: { ...base64(data), media_type: 'application/pdf' },
});

describe('a body', () => {
  it('is told of as it is: what it may write, whether it streams', () => {
    expect(accepted(messages, body())).toMatchObject({
      outputBound: 2_000,
      choices: 1,
      stream: false,
      remoteTools: [],
    });
    expect(accepted(messages, body({ stream: true })).stream).toBe(true);
  });

  it.each<JsonObject>([
    {
      system: 'Be brief.',
      temperature: 0,
      top_p: 1,
      top_k: 0,
      stop_sequences: ['x'],
      metadata: { user_id: 'me' },
    },
    { system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }] },
    {
      system: null,
      temperature: null,
      stop_sequences: null,
      metadata: null,
      thinking: null,
      tools: null,
      tool_choice: null,
    },
    { thinking: { type: 'enabled', budget_tokens: 1_024 } },
    { thinking: { type: 'disabled' }, temperature: 0.5 },
    { thinking: { type: 'adaptive' } },
    { thread: { id: 'x' }, service_tier: 'auto', output_config: { effort: 'low' } },
    { tools: [{ name: 'f', input_schema: { Type: 'object' } }], tool_choice: { type: 'tool', name: 'f' } },
    {
      tools: [{ type: 'custom', name: 'f', input_schema: {}, cache_control: null }],
      tool_choice: { type: 'any' },
    },
    { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    // What Anthropic takes now; whether this upstream does is for it to say.
    { max_tokens: 0 },
    { thinking: { type: 'enabled', budget_tokens: 2_000_000 } },
    { thinking: { type: 'adaptive', display: 'omitted' } },
    { thinking: { type: 'between_tools' } },
    { messages: [{ role: 'system', content: 'x' }] },
    {
      messages: [
        { role: 'user', content: 'x' },
        {
          role: 'system',
          content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }],
        },
      ],
    },
    {
      messages: [
        {
          role: 'user',
          content: [{ type: 'search_result', source: 'https://a.example', title: 't', content: [] }],
        },
        {
          role: 'assistant',
          content: [
            { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
            { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
            { type: 'mcp_tool_use', id: 'm', name: 'f', server_name: 's', input: {} },
            { type: 'compaction', content: 'x' },
            { type: 'container_upload', file_id: 'f' },
          ],
        },
      ],
    },
    {
      container: { id: 'c', skills: [] },
      context_management: { edits: [] },
      output_config: { effort: 'low' },
    },
    { cache_control: { type: 'ephemeral' }, service_tier: 'auto', inference_geo: 'us', speed: 'fast' },
    { output_format: { type: 'json_schema', schema: {} }, thread: { id: 't' }, fallbacks: [] },
    {
      tools: [
        { name: 'f', input_schema: {}, strict: true, defer_loading: true, allowed_callers: ['direct'] },
      ],
    },
    { tools: times(1_000, { name: 'f', input_schema: {} }), tool_choice: { type: 'none' } },
  ])('may have %j, which goes on as it is', (more) => {
    expect(accepted(messages, body(more)).body).toEqual(body(more));
  });

  it.each<[JsonObject, string[] | undefined]>([
    [{ fallbacks: [{ model: 'a' }, { model: 'b', max_tokens: 5 }] }, ['a', 'b']],
    [{ fallbacks: ['a'] }, ['a']],
    [{ fallback: { model: 'a' } }, ['a']],
    [{ models: ['a', 'b'] }, ['a', 'b']],
    [{ Fallback_Models: ['a'] }, ['a']],
    [{ routing: { tiers: [{ small_model: 'a' }] } }, ['a']],
    [{ tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'a' }] }, ['a']],
    [{ fallbacks: [] }, undefined],
    [{ metadata: { user_id: 'u', model: 'x' }, thread: { id: 't' } }, undefined],
    [
      { tools: [{ name: 'f', input_schema: { type: 'object', properties: { model: { const: 'x' } } } }] },
      undefined,
    ],
  ])('names further models: %j', (more, named) => {
    expect(accepted(messages, body(more)).furtherModels).toEqual(named);
  });

  it.each<[JsonObject, string[]]>([
    [{ max_tokens: -1 }, ['max_tokens']],
    [{ max_tokens: null }, ['max_tokens']],
    [{ max_tokens: 1.5 }, ['max_tokens']],
    [{ model: 'with space' }, ['model']],
    [{ Max_Tokens: 5 }, ['Max_Tokens']],
    [{ temperature: 1.1 }, ['temperature']],
    [{ top_p: -0.1 }, ['top_p']],
    [{ top_k: -1 }, ['top_k']],
    [{ stop_sequences: 'x' }, ['stop_sequences']],
    [{ stop_sequences: ['x', 1] }, ['stop_sequences.1']],
    [{ stream: 'yes' }, ['stream']],
    [{ metadata: { user_id: 7 } }, ['metadata.user_id']],
    [{ system: 7 }, ['system']],
    [{ system: [{ type: 'image' }] }, ['system.0.type', 'system.0.text']],
    [{ thinking: { type: 'on' } }, ['thinking.type']],
    [{ thinking: { type: 'adaptive' }, temperature: 0.5 }, ['temperature']],
    [{ thinking: { type: 'enabled', budget_tokens: 1_024 }, temperature: 0 }, ['temperature']],
    [{ thinking: { type: 'enabled' } }, ['thinking.budget_tokens']],
    [{ thinking: { type: 'enabled', budget_tokens: 1_023 } }, ['thinking.budget_tokens']],
    [{ messages: [] }, ['messages']],
    [{ messages: times(2_001, { role: 'user', content: '-' }) }, ['messages']],
    [{ messages: [{ role: 'developer', content: 'x' }] }, ['messages.0.role']],
    [{ messages: [{ role: 'tool', content: 'x' }] }, ['messages.0.role']],
    [{ messages: [{ role: 'System', content: 'x' }] }, ['messages.0.role']],
    [{ messages: [{ role: 'user' }] }, ['messages.0.content']],
    [{ messages: [{ role: 'user', Content: 'x' }] }, ['messages.0.Content', 'messages.0.content']],
    [{ tools: [{ input_schema: {} }] }, ['tools.0.name']],
    [{ tools: [{ name: 'f' }] }, ['tools.0.input_schema']],
    [{ tools: [{ name: 'f', Input_Schema: {}, input_schema: {} }] }, ['tools.0.Input_Schema']],
    [{ tool_choice: 'auto' }, ['tool_choice']],
    [{ tool_choice: { type: 'required' } }, ['tool_choice.type']],
    [
      { tool_choice: { type: 'tool', name: 'g' }, tools: [{ name: 'f', input_schema: {} }] },
      ['tool_choice.name'],
    ],
    [{ tool_choice: { type: 'tool' } }, ['tool_choice.name']],
    [{ mcp_servers: [{ name: 's' }] }, ['mcp_servers.0.url']],
    [{ mcp_servers: {} }, ['mcp_servers']],
  ])('may not have %j', (more, expected) => {
    expect(params(messages, body(more))).toEqual(expected);
  });

  it('asks for no more than its model writes', () => {
    const wide = { model: 'claude-3-5-sonnet', max_tokens: 4_097 };
    expect(params(messages, body(wide))).toEqual(['max_tokens']);
    expect(accepted(messages, body({ ...wide, max_tokens: 4_096 })).outputBound).toBe(4_096);
  });
});

describe('a block', () => {
  it.each<JsonObject>([
    { type: 'text', text: 'x', citations: null },
    image(base64('QUJD')),
    image({ type: 'url', url: 'https://a.example/b.png' }),
    image({ type: 'file', file_id: 'file_1' }),
    pdf('QUJD'),
    {
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data: 'x' },
      title: 't',
      context: null,
    },
    { type: 'tool_use', id: 'toolu_1', name: 'f', input: { Type: 1 } },
    { type: 'tool_result', tool_use_id: 'toolu_1' },
    { type: 'tool_result', tool_use_id: 'toolu_1', content: [image(base64('QUJD'))], is_error: true },
    { type: 'thinking', thinking: 'x', signature: 's' },
    { type: 'redacted_thinking', data: 'x' },
    { type: 'search_result', source: 'https://a.example', title: 't', content: [] },
    { type: 'something_new', anything: { at: 'all' } },
  ])('%j goes on as it is', (block) => {
    expect(accepted(messages, withContent([block])).body).toEqual(withContent([block]));
  });

  it.each<[JsonValue, string[]]>([
    ['x', ['']],
    [{}, ['.type']],
    [{ type: 'text' }, ['.text']],
    [{ type: 'text', Text: 'x' }, ['.Text', '.text']],
    [{ type: 'image' }, ['.source']],
    [image({ type: 'base64', data: 'QUJD' }), ['.source.media_type']],
    [image({ type: 'base64', media_type: 'image/png' }), ['.source.data']],
    [{ type: 'tool_use', id: '', name: 'f', input: '{}' }, ['.id', '.input']],
    [{ type: 'tool_result', content: 'x' }, ['.tool_use_id']],
    [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text' }] }, ['.content.0.text']],
    [{ type: 'tool_result', tool_use_id: 't', is_error: 'no' }, ['.is_error']],
    [{ type: 'thinking' }, ['.thinking']],
    [{ type: 'redacted_thinking' }, ['.data']],
  ])('%j is refused', (block, expected) => {
    expect(params(messages, withContent([block]))).toEqual(
      expected.map((path) => `messages.0.content.0${path}`),
    );
  });
});

describe('the input', () => {
  const estimate = (content: JsonValue): number => {
    const valid = accepted(messages, withContent(content));
    return estimateInput(Buffer.byteLength(JSON.stringify(valid.body)), valid);
  };

  it('counts 1,600 tokens an image, whatever its size, in tool results as well', () => {
    const bare = estimate([image(base64('A'))]);
    expect(estimate([image(base64('A'.repeat(400_000)))])).toBe(bare);
    expect(bare).toBeGreaterThanOrEqual(1_600);
    expect(bare).toBeLessThan(1_700);
    const inside = estimate([
      { type: 'tool_result', tool_use_id: 't', content: [image(base64('A'.repeat(400_000)))] },
    ]);
    expect(inside).toBeLessThan(1_700);
  });

  it('counts a token for each 16 bytes of a document in base64, and text as text', () => {
    expect(estimate([pdf('A'.repeat(160_016))]) - estimate([pdf('A'.repeat(16))])).toBe(10_000);
    const plain = {
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data: 'x'.repeat(4_000) },
    };
    expect(estimate([plain])).toBeGreaterThan(1_000);
    expect(
      estimate([{ type: 'document', source: { type: 'url', url: 'https://a.example' } }]),
    ).toBeGreaterThan(1_600);
  });

  it('is never estimated at less than nothing, nor at more than its bytes and images', () => {
    const data = fc.string({ unit: 'grapheme', minLength: 1 });
    const block = fc.oneof(
      data.map((text) => image(base64(text))),
      data.map(pdf),
      data.map((text) => ({ type: 'text', text })),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), (blocks) => {
        const bytes = Buffer.byteLength(JSON.stringify(withContent(blocks)));
        const images = blocks.filter(({ type }) => type === 'image').length;
        expect(estimate(blocks)).toBeGreaterThanOrEqual(images * 1_600);
        expect(estimate(blocks)).toBeLessThanOrEqual(Math.ceil(bytes / 4) + images * 1_600);
      }),
    );
  });
});

describe('what runs elsewhere', () => {
  const remote = (more: JsonObject): readonly string[] => accepted(messages, body(more)).remoteTools;
  const remoteTool = (tool: JsonObject): readonly string[] => remote({ tools: [tool] });

  it.each<JsonObject>([
    { name: 'web_search', input_schema: {} },
    { type: null, name: 'web_search', input_schema: {} },
    { type: 'custom', name: 'code_execution', input_schema: {} },
    { type: 'bash_20250124', name: 'bash' },
    { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
    { type: 'memory_20250818', name: 'memory' },
    { type: 'computer_20251124', name: 'computer', display_width_px: 1, display_height_px: 1 },
    { type: 'computer_toolset_20260801' },
    { type: 'browser_toolset_20260801' },
    { type: 'bash_20991231', name: 'bash' },
  ])('is not the tool %j', (tool) => {
    expect(remoteTool(tool)).toEqual([]);
  });

  it.each<[JsonObject, string[]]>([
    [{ type: 'web_search_20250305', name: 'web_search' }, ['web_search']],
    [{ type: 'web_search_20991231', name: 'web_search' }, ['web_search']],
    [{ type: 'code_execution_20250522' }, ['code_execution']],
    [{ type: 'tool_search_tool_regex', name: 'tool_search_tool_regex' }, ['tool_search_tool_regex']],
    // The type runs, whatever it is called.
    [{ type: 'code_execution_20250825', name: 'web_search' }, ['code_execution', 'web_search']],
    [{ type: 'code_execution_20250825', name: 'bash' }, ['code_execution', 'bash']],
    [{ type: 'bash', name: 'bash' }, ['bash']],
    [{ type: 'bash_code_execution_20250825', name: 'bash' }, ['bash_code_execution', 'bash']],
    [{ type: 'Custom', name: 'f' }, ['Custom', 'f']],
    [{ type: 'computer_20251124_x', name: 'f' }, ['computer_20251124_x', 'f']],
    [{ type: '', name: 'f' }, ['', 'f']],
    [{ type: 'mcp', name: 'f', runtime_params: { target_app_name: 'my-app' } }, ['f@my-app']],
  ])('is the tool %j', (tool, expected) => {
    expect(remoteTool(tool)).toEqual(expected);
  });

  it('is a server, by its URL, with the toolset that brings its tools', () => {
    const mcp_servers = [{ type: 'url', url: 'https://a.example/sse', name: 'f' }];
    expect(remote({ mcp_servers })).toEqual(['https://a.example/sse']);
    const toolset = { type: 'mcp_toolset', mcp_server_name: 'f' };
    expect(remote({ mcp_servers, tools: [toolset] })).toEqual(['https://a.example/sse']);
    expect(remote({ tools: [toolset] })).toEqual(['f']);
    // Only a toolset belongs to a server.
    const disguised = { type: 'code_execution_20250825', name: 'code_execution', mcp_server_name: 'f' };
    expect(remote({ mcp_servers, tools: [disguised] })).toEqual(['https://a.example/sse', 'code_execution']);
  });

  it('is a tool that a message adds', () => {
    const added = (definition: JsonObject): JsonObject => ({
      messages: [
        {
          role: 'user',
          content: [{ type: 'tool_addition', tool: { type: 'tool_definition', definition } }],
        },
      ],
    });
    expect(remote(added({ type: 'web_fetch_20250910', name: 'web_fetch' }))).toEqual(['web_fetch']);
    expect(remote(added({ name: 'f', input_schema: {} }))).toEqual([]);
    expect(remote(added({ type: 'mcp_toolset', mcp_server_name: 's' }))).toEqual(['s']);
  });
});
