import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import type { JsonObject, ValidRequest } from '../../../src/base/request.ts';
import { heldAnswerBytes, JoinedEmbeddings, splitInputs } from '../../../src/upstream/joined-embeddings.ts';
import { SplitEmbeddings } from '../../../src/upstream/split-embeddings.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { embeddings } from '../../../src/validation/endpoints/embeddings.ts';
import { accepted } from '../validation/verdict.ts';

const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

function request(input: string | string[], more: JsonObject = {}): ValidRequest {
  return accepted(embeddings, { model: 'm', input, ...more });
}

/** What an upstream answers to so many inputs. */
function answerTo(inputs: number, more: object = {}): string {
  const data = Array.from({ length: inputs }, (_, index) => ({
    object: 'embedding',
    index,
    embedding: [index],
  }));
  const usage = { prompt_tokens: inputs, total_tokens: inputs };
  return JSON.stringify({ object: 'list', data, model: 'm', usage, ...more });
}

describe('inputs', () => {
  it('are split 96 at a time, everything else the same in each part', () => {
    const parts = splitInputs(request(texts(200), { encoding_format: 'float', user: 'x' }));
    expect(parts?.map(({ input }) => input)).toEqual([
      texts(200).slice(0, 96),
      texts(200).slice(96, 192),
      texts(200).slice(192),
    ]);
    for (const part of parts ?? [])
      expect(part).toMatchObject({ model: 'm', encoding_format: 'raw', user: 'x' });
  });

  it.each([
    ['a string', 'x'],
    ['96', texts(96)],
  ])('of %s are not', (_, input) => {
    expect(splitInputs(request(input))).toBeNull();
    expect(heldAnswerBytes(request(input))).toBe(0);
  });

  it('of another endpoint are none', () => {
    const other = accepted(chat, {
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      input: texts(200),
    });
    expect(splitInputs(other)).toBeNull();
    expect(heldAnswerBytes(other)).toBe(0);
  });
});

describe('answers', () => {
  it('are joined in order, indexes counted on, usage added up and last', () => {
    const joined = new JoinedEmbeddings();
    for (const count of [96, 96, 8]) expect(joined.add(answerTo(count), count)).toBe(true);
    const text = Buffer.concat(joined.pieces()).toString();
    const whole = JSON.parse(text) as { data: { index: number; embedding: number[] }[] };
    expect(whole).toMatchObject({
      object: 'list',
      model: 'm',
      usage: { prompt_tokens: 200, total_tokens: 200 },
    });
    expect(whole.data.map(({ index }) => index)).toEqual(texts(200).map(Number));
    expect(whole.data[97]?.embedding).toEqual([1]);
    expect(Object.keys(whole).at(-1)).toBe('usage');
    expect(joined.used).toEqual({ inputTokens: 200, outputTokens: 0 });
  });

  it('keep the upstream order of indexes within a part', () => {
    const joined = new JoinedEmbeddings();
    joined.add(answerTo(96), 96);
    joined.add('{"data":[{"index":1,"embedding":"b"},{"index":0,"embedding":"a"}]}', 2);
    const { data } = JSON.parse(Buffer.concat(joined.pieces()).toString()) as { data: object[] };
    expect(data.slice(96)).toEqual([
      { index: 97, embedding: 'b' },
      { index: 96, embedding: 'a' },
    ]);
  });

  it.each(['', '{', 'null', '[]', '{}', '{"data":{}}', '{"data":[]}', '{"data":[1]}', answerTo(2)])(
    'are not taken where they are none to one input: %j',
    (text) => expect(new JoinedEmbeddings().add(text, 1)).toBe(false),
  );
});

describe('the parts', () => {
  interface Target extends Pick<Dispatcher, 'dispatch'> {
    sent: number[];
  }

  /** Answers at once, in the way undici does; from the n-th part on with an error. */
  function target(failsFrom = Infinity): Target {
    const sent: number[] = [];
    return {
      sent,
      dispatch({ body }, handler) {
        const { input } = JSON.parse(body as string) as { input: string[] };
        const nothing = (): void => undefined;
        const controller = {
          aborted: false,
          paused: false,
          reason: null,
          abort: nothing,
          pause: nothing,
          resume: nothing,
        };
        const fails = sent.length >= failsFrom;
        sent.push(input.length);
        handler.onRequestStart?.(controller, {});
        handler.onResponseStart?.(controller, fails ? 503 : 200, { 'content-type': 'application/json' });
        handler.onResponseData?.(controller, Buffer.from(fails ? '{}' : answerTo(input.length)));
        handler.onResponseEnd?.(controller, {});
        return true;
      },
    };
  }

  function splitOf(inputs: number, maxBytes = 1e6): SplitEmbeddings {
    return new SplitEmbeddings({ parts: splitInputs(request(texts(inputs))) ?? [], maxBytes });
  }

  /** What the handler sees of it. */
  function send(
    split: SplitEmbeddings,
    to: Target,
    onData: (reader: Dispatcher.DispatchController) => void = () => undefined,
  ): string[] {
    const seen: string[] = [];
    split
      .over(to, () => undefined)
      .dispatch(
        { path: '/v1/embeddings', method: 'POST' },
        {
          onRequestStart: () => void seen.push('start'),
          onResponseStart: (_, status) => void seen.push(String(status)),
          onResponseData: (reader) => {
            seen.push('data');
            onData(reader);
          },
          onResponseEnd: () => void seen.push('end'),
        },
      );
    return seen;
  }

  it('are one request, whose answer begins when the last part has come', () => {
    const upstream = target();
    const seen = send(splitOf(300), upstream);
    expect(upstream.sent).toEqual([96, 96, 96, 12]);
    expect(seen).toEqual(['start', '200', ...Array<string>(6).fill('data'), 'end']);
  });

  it('wait for a reader that is slow', () => {
    let reader: Dispatcher.DispatchController | null = null;
    const seen = send(splitOf(300), target(), (reading) => {
      reader = reading;
      reading.pause();
    });
    expect(seen).toEqual(['start', '200', 'data']);
    const resume = (): void => reader?.resume();
    for (let n = 0; n < 5; n += 1) resume();
    expect(seen.filter((what) => what === 'data')).toHaveLength(6);
    expect(seen).not.toContain('end');
    resume();
    expect(seen.at(-1)).toBe('end');
  });

  it('end where the reader leaves', () => {
    const seen = send(splitOf(300), target(), (reader) => reader.abort(new Error('left')));
    expect(seen).toEqual(['start', '200', 'data']);
  });

  it('that fail are the answer, and another target goes on from there', () => {
    const split = splitOf(300);
    const [first, second] = [target(2), target()];
    expect(send(split, first)).toEqual(['start', '503', 'data', 'end']);
    expect(send(split, second)).toEqual(['start', '200', ...Array<string>(6).fill('data'), 'end']);
    expect([first.sent, second.sent]).toEqual([
      [96, 96, 96],
      [96, 12],
    ]);
  });

  it('whose answers come to more than may be held are a failure of the upstream', () => {
    const upstream = target();
    expect(send(splitOf(300, 8_000), upstream)).toEqual(['start', '502', 'end']);
    expect(upstream.sent).toEqual([96, 96]);
  });
});
