import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/request.ts';
import { agents } from '../../../../src/validation/endpoints/agents.ts';
import { accepted, params } from '../verdict.ts';

const body = (more: JsonObject = {}): JsonObject => ({
  model: 'm',
  messages: [{ role: 'user', content: 'Hi' }],
  ...more,
});
const tool = (more: JsonObject = {}): JsonObject => ({
  type: 'heroku_tool',
  name: 'dyno_run_command',
  ...more,
});
const inApp = (app: string, more: JsonObject = {}): JsonObject =>
  tool({
    runtime_params: {
      target_app_name: app,
      dyno_size: 'standard-1x',
      ttl_seconds: 60,
      tool_params: { Cmd: 'ls' },
      ...more,
    },
  });

describe('a body', () => {
  it('always streams, and bounds what it says', () => {
    expect(accepted(agents, body())).toMatchObject({ stream: true, outputBound: null, choices: 1 });
    const bounded = body({ stream: false, max_tokens_per_inference_request: 80 });
    expect(accepted(agents, bounded)).toMatchObject({ stream: true, outputBound: 80, body: bounded });
  });

  it.each<[JsonObject[], number]>([
    [[tool()], 4],
    [[tool(), tool()], 7],
    [[inApp('my-app', { max_calls: 1 })], 2],
    [[inApp('my-app', { max_calls: null })], 4],
    [[inApp('my-app', { max_calls: 1_000_000 })], 10],
  ])('reserves inferences by its tools: %j', (tools, inferences) => {
    expect(accepted(agents, body({ tools })).choices).toBe(inferences);
  });

  it.each<[JsonObject, string[]]>([
    [{ messages: [] }, ['messages']],
    [{ temperature: 2 }, ['temperature']],
    [{ stop: 7 }, ['stop']],
    [{ max_tokens_per_inference_request: 0 }, ['max_tokens_per_inference_request']],
    [
      { model: 'claude-3-5-sonnet', max_tokens_per_inference_request: 4_097 },
      ['max_tokens_per_inference_request'],
    ],
    [{ tools: [tool({ type: 'function' })] }, ['tools.0.type']],
    [{ tools: [tool({ name: null })] }, ['tools.0.name']],
    [{ tools: [tool({ name: 'a@my-app' })] }, ['tools.0.name']],
    [{ tools: [tool({ function: { name: 'other' } })] }, ['tools.0.function']],
    [{ tools: [inApp('My App')] }, ['tools.0.runtime_params.target_app_name']],
    [{ tools: [inApp('a@b')] }, ['tools.0.runtime_params.target_app_name']],
    [{ tools: [inApp('my-app', { Target_App_Name: 'other' })] }, ['tools.0.runtime_params.Target_App_Name']],
    [{ tools: [tool({ Runtime_Params: {} })] }, ['tools.0.Runtime_Params']],
    [{ tools: [tool({ runtime_params: [] })] }, ['tools.0.runtime_params']],
    [{ tools: [inApp('my-app', { max_calls: 0 })] }, ['tools.0.runtime_params.max_calls']],
  ])('may not have %j', (more, expected) => {
    expect(params(agents, body(more))).toEqual(expected);
  });
});

it('its messages are mended as those of a chat are', () => {
  const calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }];
  const sent = body({ messages: [{ role: 'assistant', content: '', tool_calls: calls }] });
  const mended = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }];
  expect(accepted(agents, sent).body['messages']).toEqual([{ role: 'assistant', tool_calls: mended }]);
});

it('its tools are named with the app they run in', () => {
  const tools = [tool(), inApp('my-app'), { type: 'mcp', name: 'mcp-weather/forecast' }];
  expect(accepted(agents, body({ tools })).remoteTools).toEqual([
    'dyno_run_command',
    'dyno_run_command@my-app',
    'mcp-weather/forecast',
  ]);
});
