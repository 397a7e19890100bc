import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from '../../../src/cli/ask.ts';
import { CommandFailed } from '../../../src/cli/command-failed.ts';

/** What becomes of a question where this is typed. */
async function typed(keys: string): Promise<{ answer: Promise<string>; shown: () => string }> {
  const input = new PassThrough();
  const output = new PassThrough();
  const answer = ask({ input, output }, 'Go on? ');
  input.write(keys);
  await answer.catch(() => {});
  return { answer, shown: () => String(output.read()) };
}

describe('a question', () => {
  it('is shown, and gives the line that is typed', async () => {
    const { answer, shown } = await typed('yes\r');
    expect(await answer).toBe('yes');
    expect(shown()).toContain('Go on? ');
  });

  it('has no answer where Ctrl-D is typed', async () => {
    expect(await (await typed('\u0004')).answer).toBe('');
  });

  it('ends the command where Ctrl-C is typed', async () => {
    const { answer } = await typed('ye\u0003');
    await expect(answer).rejects.toThrow(CommandFailed);
    await expect(answer).rejects.toMatchObject({ exitCode: 130 });
  });
});
