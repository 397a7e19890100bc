import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../../src/store/deadlines.ts';
import { scriptOf } from '../../../src/store/script.ts';
import { ScriptCommand } from '../../../src/store/script-command.ts';

const scripts = [scriptOf('one', 'return 1'), scriptOf('two', 'return 2')];
const deadlines = new Deadlines({ timeoutMs: 1_000, silenceMs: 5_000, onSilence: () => undefined });
const nothing = (): void => undefined;

/** A command as the protocol has it: each part with its length in bytes. */
function encoded(parts: readonly (string | number)[]): string {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${bulks.join('')}`;
}

const anyText = fc.constantFrom('', 'a', 'é✓', '\r\n');
const anyCall = fc.record({
  script: fc.constantFrom(...scripts),
  keys: fc.array(anyText, { maxLength: 2 }),
  args: fc.array(fc.oneof(anyText, fc.constantFrom(0, 1)), { maxLength: 3 }),
  whole: fc.boolean(),
});

describe('the command that runs a script', () => {
  it('is that of its own keys and arguments, whatever calls came before', () => {
    fc.assert(
      fc.property(anyCall, (call) => {
        const { script, keys, args, whole } = call;
        const command = new ScriptCommand({ ...call, deadlines, onReply: nothing, onError: nothing });
        const head = whole ? ['eval', script.source] : ['evalsha', script.sha];
        expect(command.toWritable()).toBe(encoded([...head, keys.length, ...keys, ...args]));
      }),
      { numRuns: 3_000 },
    );
  });
});
