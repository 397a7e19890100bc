import { array, assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenAiFrames } from '../../../src/proxy/openai-frames.ts';

/** What goes out for a stream that comes in these pieces. */
function rewritten(...pieces: (string | Buffer)[]): string {
  const frames = new OpenAiFrames();
  const out = pieces.map((piece) => frames.rewrite(Buffer.from(piece).toString('latin1')));
  return Buffer.from(out.join('') + frames.rest(), 'latin1').toString();
}

const heroku =
  'event:message\ndata:{"choices":[{"delta":{"content":"é😀"},"finish_reason":""}]}\n\n' +
  ': keep-alive\n\n' +
  'event:message\ndata:{"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n' +
  'event:done\ndata:[DONE]\n\n';
const openai =
  'data: {"choices":[{"delta":{"content":"é😀"},"finish_reason":null}]}\n\n' +
  ': keep-alive\n\n' +
  'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n' +
  'data: [DONE]\n\n';

describe("frames in OpenAI's shape", () => {
  it('have no event names, a space after the colon, and null for an empty finish reason', () => {
    expect(rewritten(heroku)).toBe(openai);
  });

  it('come out the same at every split', () => {
    const bytes = Buffer.from(heroku);
    assert(
      property(array(nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = ends.slice(1).map((end, n) => bytes.subarray(ends[n], end));
        expect(rewritten(...pieces)).toBe(openai);
      }),
    );
  });

  it("stay as they are if they are OpenAI's already", () => {
    expect(rewritten(openai)).toBe(openai);
  });

  it.each([
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('keep their line ends: %s', (_, end) => {
    expect(rewritten(heroku.replaceAll('\n', end))).toBe(openai.replaceAll('\n', end));
  });

  it('keep the name of an error, whose data may not say that it is one', () => {
    const error = 'event:error\ndata:{"code":500,"message":"Failed to execute chat"}\n\n';
    expect(rewritten(error)).toBe(error.replace('data:', 'data: '));
  });

  it('keep what a model wrote about finish reasons', () => {
    const said = JSON.stringify({ choices: [{ delta: { content: 'write "finish_reason":"" there' } }] });
    expect(rewritten(`data: ${said}\n\n`)).toBe(`data: ${said}\n\n`);
  });

  it('pass a line on while it grows beyond all measure, and go on behind it', () => {
    const frames = new OpenAiFrames();
    const long = `data:${'x'.repeat(1_100_000)}`;
    expect(frames.rewrite(long).length).toBe(long.length);
    expect(frames.rewrite('more')).toBe('more');
    expect(frames.rewrite('\nevent:message\ndata:1\n')).toBe('\ndata: 1\n');
  });

  it('end with the line that the stream ended in', () => {
    expect(rewritten('event:done\ndata:[DONE]')).toBe('data: [DONE]');
  });
});
