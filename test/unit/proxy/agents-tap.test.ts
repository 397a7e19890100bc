import { describe, expect, it } from 'vitest';
import { AgentsTap } from '../../../src/proxy/taps.ts';
import { describeTap, fed, bytesOf, type Read } from './tap-suite.ts';

const looking = bytesOf('I will look.', 'dyno_run_command', '{}');
const answered = looking + bytesOf('It is Grüße.');
const first: Read = {
  done: false,
  finished: false,
  failed: false,
  usage: { inputTokens: 834, outputTokens: 63 },
  textBytes: looking,
  unreportedTokens: 0,
};
const both: Read = {
  ...first,
  usage: { inputTokens: 834 + 947, outputTokens: 63 + 24 },
  textBytes: answered,
};

describeTap('agents', {
  make: () => new AgentsTap(),
  inside: {
    'broken-off-after-an-answer.txt': both,
    'broken-off-in-a-tool.txt': first,
    'error-inside.txt': { ...first, failed: true },
    'tools.txt': { ...both, done: true },
    'unreported.txt': { ...first, done: true, usage: null, textBytes: 4, unreportedTokens: 1 },
  },
});

describe('the usages of several inferences', () => {
  it('are added up, those that are empty or zero left out', () => {
    const usage = (prompt: number, completion: number): string =>
      `data:{"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion}}}\n\n`;
    const tap = fed(new AgentsTap(), usage(5, 1), usage(0, 0), 'data:{"usage":{}}\n\n', usage(7, 2));
    expect(tap.usage).toEqual({ inputTokens: 12, outputTokens: 3 });
  });
});
