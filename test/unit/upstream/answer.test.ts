import { describe, expect, it } from 'vitest';
import { isAnswer, reportsError } from '../../../src/upstream/answer.ts';

describe('an error in an answer, or in an event', () => {
  it.each([
    { error: { message: 'x' } },
    { error: 'x' },
    { id: 'g', choices: [], error: { code: 502, message: 'x' } },
    { choices: [{ delta: { content: 'x' } }], error: {} },
    { type: 'error' },
    { object: 'error', message: 'x', code: 500 },
    { code: 500, message: 'Failed to execute chat' },
    { id: 'rate_limit', message: 'x' },
    { status: 500, message: 'x', choices: null },
  ])('is %j', (answer) => {
    expect(reportsError(answer)).toBe(true);
  });

  it.each([
    {},
    { error: null, choices: [] },
    { error: false, choices: [] },
    { error: '', choices: [] },
    { choices: [{ delta: { content: '', error: 'x' } }] },
    { choices: [], message: 'x' },
    { type: 'message_start', message: { content: [] } },
    { type: 'ping' },
    { message: 'Hello.' },
    { code: 7 },
    { usage: { error: 1 } },
    { data: [], message: 'x' },
  ])('is not %j', (answer) => {
    expect(reportsError(answer)).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    { id: 'x', object: 'chat.completion', choices: [{}] },
    { choices: [] },
    { error: null, choices: [] },
    { usage: { prompt_tokens: 1 } },
    { something: 'new' },
    {},
  ])('is %j', (value) => {
    expect(isAnswer(value, 'choices')).toBe(true);
  });

  it.each([
    [{ id: 'x', object: 'chat.completion', usage: {} }, 'choices'],
    [{ choices: null }, 'choices'],
    [{ choices: {} }, 'choices'],
    [{ choices: [], error: 'x' }, 'choices'],
    [{ object: 'list', usage: {} }, 'data'],
    [{ created: 1 }, 'data'],
    [{ type: 'message' }, 'content'],
    [{ id: 'x', meta: {} }, 'results'],
  ])('is not %j', (value, list) => {
    expect(isAnswer(value, list)).toBe(false);
  });
});
