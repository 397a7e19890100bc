import type { StreamRewriter } from './stream-rewriter.ts';

/** A longer line is passed on as it comes: no frame that a client reads is so long. */
const maxLineChars = 1_048_576;
const lineEnds = /(?<=\r\n|\n|\r(?!\n))/;
/** No finish reason, as Heroku writes it. Inside a JSON string its quotes would be escaped. */
const emptyFinishReason = /(?<!\\)"finish_reason"\s*:\s*""/g;

/**
 * Rewrites a stream of chat completions into the frames that OpenAI sends: no event names, a space after `data:`, and
 * `null` for an empty finish reason. Continue and LlamaIndex fail at `""`; `openai` up to 5.8 at named events. An error
 * keeps its name, since its data may not say that it is one. Feed it any split: it keeps an unfinished line until the
 * line's end comes. It takes Latin-1, so that a character is a byte.
 */
export class OpenAiFrames implements StreamRewriter {
  readonly trouble = null;
  readonly ownEvents = null;
  #unfinished = '';
  /** The line under way is too long, and what comes of it goes out as it is. */
  #isRaw = false;

  /** What to send for the next bytes; perhaps nothing. */
  rewrite(chunk: string): string {
    // Only the chunk is split: a long line that comes in small pieces is not read again with each.
    const [first = '', ...others] = chunk.split(lineEnds);
    const lines = [this.#unfinished + first, ...others];
    this.#unfinished = endsInLineEnd(lines.at(-1) ?? '') ? '' : (lines.pop() ?? '');
    let text = '';
    for (const line of lines) {
      text += this.#isRaw ? line : rewritten(line);
      this.#isRaw = false;
    }
    this.#isRaw ||= this.#unfinished.length > maxLineChars;
    return this.#isRaw ? text + this.rest() : text;
  }

  /** The line that the stream ended in, or what is known of the one under way. */
  rest(): string {
    const line = this.#unfinished;
    this.#unfinished = '';
    return this.#isRaw ? line : rewritten(line);
  }
}

function endsInLineEnd(line: string): boolean {
  return line.endsWith('\n') || line.endsWith('\r');
}

/** A line with its end; empty if it is left out. */
function rewritten(line: string): string {
  if (line.startsWith('event:')) return /^event: ?error\b/.test(line) ? line : '';
  if (!line.startsWith('data:')) return line;
  const data = line.slice(line[5] === ' ' ? 6 : 5);
  return `data: ${data.replaceAll(emptyFinishReason, '"finish_reason":null')}`;
}
