import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { accepted, params, problems, times } from '../verdict.ts';

const base = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
const tool = { type: 'function', function: { name: 'get_weather' } };

function withTools(tools: JsonValue, fields: JsonObject = {}): JsonObject {
  return { ...base, tools, ...fields };
}

describe('tools', () => {
  it.each<JsonValue>([
    tool,
    { type: 'function', function: { name: 'f', description: null, parameters: null } },
    {
      type: 'function',
      strict: true,
      function: {
        name: 'x'.repeat(256),
        description: 'd',
        strict: true,
        parameters: {
          type: 'object',
          properties: { Name: {}, Type: {} },
          Parameters: 1,
        },
      },
    },
    { type: 'heroku_tool', name: 'code_exec_ruby', runtime_params: { target_app_name: 'my-app', other: 1 } },
    { type: 'heroku_tool', function: { name: 'dyno_run_command', parameters: {} } },
    { type: 'mcp', name: 'mcp/search' },
  ])('%j is accepted', (item) => {
    expect(accepted(chat, withTools([item])).body).toEqual(withTools([item]));
  });

  it.each<[JsonValue, string]>([
    ['get_weather', ''],
    [
      { type: 'heroku_tool', name: 'x', runtime_params: { Target_App_Name: 'app' } },
      '.runtime_params.Target_App_Name',
    ],
    [
      { type: 'heroku_tool', name: 'x', runtime_params: { target_app_name: 'a@b' } },
      '.runtime_params.target_app_name',
    ],
    [null, ''],
    [{ function: { name: 'f' } }, '.type'],
    [{ type: 'web_search', name: 'x' }, '.type'],
    [{ type: 'Heroku_Tool', name: 'x' }, '.type'],
    [{ type: null, name: 'x' }, '.type'],
    [{ type: 'function' }, '.function'],
    [{ type: 'function', function: 'f' }, '.function'],
    [{ type: 'function', function: {} }, '.function.name'],
    [{ type: 'function', function: { name: '' } }, '.function.name'],
    [{ type: 'function', function: { name: 1 } }, '.function.name'],
    [{ type: 'function', function: { name: 'x'.repeat(257) } }, '.function.name'],
    [{ type: 'function', function: { name: 'f', description: 1 } }, '.function.description'],
    [{ type: 'function', function: { name: 'f', parameters: 'x' } }, '.function.parameters'],
    [{ type: 'function', function: { name: 'f', parameters: [] } }, '.function.parameters'],
    [{ type: 'heroku_tool' }, '.name'],
    [{ type: 'mcp', name: '' }, '.name'],
    [{ type: 'mcp', name: 1 }, '.name'],
    [{ type: 'heroku_tool', name: 'x', runtime_params: 'x' }, '.runtime_params'],
    [{ type: 'heroku_tool', name: 'x', description: 1 }, '.description'],
    [{ ...tool, Type: 'mcp' }, '.Type'],
    [{ type: 'function', function: { name: 'f', Name: 'g' } }, '.function.Name'],
  ])('%j is refused', (item, param) => {
    expect(params(chat, withTools([tool, item]))).toEqual([`tools.1${param}`]);
  });

  it('may be 512', () => {
    expect(accepted(chat, withTools(times(512, tool)))).toBeDefined();
    expect(params(chat, withTools(times(513, tool)))).toEqual(['tools']);
  });
});

describe('the tools that run elsewhere', () => {
  it('are named, functions are not', () => {
    const tools = [tool, { type: 'heroku_tool', name: 'a' }, { type: 'mcp', function: { name: 'b' } }];
    expect(accepted(chat, withTools(tools)).remoteTools).toEqual(['a', 'b']);
  });

  it('are none that the caller runs, such as OpenAI’s custom tools', () => {
    const tools = [{ type: 'custom', custom: { name: 'f', format: { type: 'text' } } }];
    const request = accepted(chat, withTools(tools));
    expect(request.remoteTools).toEqual([]);
    expect(request.body['tools']).toEqual(tools);
  });

  it('are named by both names, where they have two', () => {
    const tools = [{ type: 'mcp', name: 'harmless', function: { name: 'harmful' } }];
    expect(accepted(chat, withTools(tools)).remoteTools).toEqual(['harmless', 'harmful']);
  });
});

describe('tool_choice', () => {
  const choose = (choice: JsonValue): JsonObject => withTools([tool], { tool_choice: choice });

  it('may name a tool that is given', () => {
    const choice = { type: 'function', function: { name: 'get_weather' } };
    expect(accepted(chat, choose(choice)).body).toEqual(choose(choice));
  });

  it.each<JsonValue>([
    { type: 'custom', custom: { name: 'f' } },
    { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } },
  ])('may be %j', (choice) => {
    expect(accepted(chat, choose(choice)).body).toEqual(choose(choice));
  });

  it.each<[JsonValue, string]>([
    [{ type: 'function', function: { name: 'other' } }, 'tool_choice.function.name'],
    [{ type: 'function', function: {} }, 'tool_choice.function.name'],
    [{ type: 'function' }, 'tool_choice.function'],
    [{ type: 'tool', function: { name: 'get_weather' } }, 'tool_choice.type'],
    [{ function: { name: 'get_weather' } }, 'tool_choice.type'],
    [{ type: 'function', function: { name: 'get_weather' }, Function: {} }, 'tool_choice.Function'],
    [{ type: 'function', function: { name: 'get_weather', NAME: 'x' } }, 'tool_choice.function.NAME'],
    ['sometimes', 'tool_choice'],
  ])('%j is refused', (choice, param) => {
    expect(params(chat, choose(choice))).toEqual([param]);
  });

  it('may not name a tool where none is given', () => {
    const choice = { tool_choice: { type: 'function', function: { name: 'f' } } };
    expect(params(chat, { ...base, ...choice })).toEqual(['tool_choice.function.name']);
  });
});

describe('tool calls', () => {
  const called = (calls: JsonValue): JsonObject => ({
    ...base,
    messages: [{ role: 'assistant', content: 'x', tool_calls: calls }],
  });

  it.each<JsonValue>([
    { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
    { id: 'c', type: 'function', function: { name: 'f', arguments: { Name: 1, Arguments: { Id: 1 } } } },
    { function: { name: 'f', arguments: '{}' } },
    { id: 'c', type: 'custom', custom: { name: 'f', input: 'not JSON' } },
  ])('%j is accepted', (call) => {
    expect(accepted(chat, called([call])).body).toEqual(called([call]));
  });

  it.each<[JsonValue, string]>([
    ['f', ''],
    [{ id: 1, function: { name: 'f' } }, '.id'],
    [{ id: 'c', type: 'custom', function: { name: 'f' } }, '.type'],
    [{ id: 'c', type: 'function' }, '.function'],
    [{ id: 'c', function: {} }, '.function.name'],
    [{ id: 'c', function: { name: 'f', arguments: 1 } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: [] } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: 'not JSON' } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: '{"a":' } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: '{a:1}' } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: '[1]' } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: '"x"' } }, '.function.arguments'],
    [{ id: 'c', function: { name: 'f', arguments: 'null' } }, '.function.arguments'],
    [{ id: 'c', ID: 'd', function: { name: 'f' } }, '.ID'],
    [{ id: 'c', function: { name: 'f', Arguments: {} } }, '.function.Arguments'],
  ])('%j is refused', (call, param) => {
    expect(params(chat, called([call]))).toEqual([`messages.0.tool_calls.0${param}`]);
  });

  it('that were cut off are refused with a remedy that can be followed', () => {
    const cut = { id: 'c', function: { name: 'f', arguments: '{"path":"/a","text":"Once upon' } };
    const [problem] = problems(chat, called([cut]));
    expect(problem?.message).toContain('leave this call and its result out, or send "{}"');
    expect(problem?.message).not.toContain('as the model gave it');
  });

  it('are a list of at most 512', () => {
    const call = { function: { name: 'f' } };
    expect(params(chat, called({}))).toEqual(['messages.0.tool_calls']);
    expect(accepted(chat, called(times(512, call)))).toBeDefined();
    expect(params(chat, called(times(513, call)))).toEqual(['messages.0.tool_calls']);
  });
});
