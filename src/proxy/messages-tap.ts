import { isRecord, parsedJson } from '../base/request.ts';
import { StreamTap } from './stream-tap.ts';
import { anthropicInputFields, count, textBytes } from '../upstream/usage.ts';

/** The few events that tell more than text: only these are parsed, wherever in them their type stands. */
const telling = /"type"\s*:\s*"(?:message_start|message_delta|message_stop|error)"/;

/**
 * Reads along with a stream of Anthropic's Messages API. `message_start` reports the input, `message_delta` the
 * output so far and perhaps the input again: figures are cumulative, so the last one of each counts. Only
 * `message_stop` completes it.
 */
export class MessagesTap extends StreamTap {
  protected override readonly endMark = null;
  readonly #input = new Map<string, number>();
  #outputTokens: number | null = null;

  protected read(data: string): void {
    this.textBytes += textBytes(data);
    if (!telling.test(data)) return;
    const event = parsedJson(data);
    if (!isRecord(event)) return;
    switch (event['type']) {
      case 'message_start':
        // Its output_tokens are a guess that the first message_delta replaces.
        if (isRecord(event['message'])) this.#readInput(event['message']['usage']);
        break;
      case 'message_delta':
        this.#readInput(event['usage']);
        this.#readOutput(event['usage']);
        break;
      case 'message_stop':
        this.done = true;
        // Without a word about the output the rest is no report of what this cost.
        if (this.#outputTokens === null && this.textBytes > 0) this.usage = null;
        break;
      case 'error':
        this.failed = true;
        break;
      default:
    }
  }

  #readInput(usage: unknown): void {
    if (!isRecord(usage)) return;
    for (const field of anthropicInputFields) {
      const tokens = count(usage[field]);
      if (tokens > 0) this.#input.set(field, tokens);
    }
    this.#report();
  }

  #readOutput(usage: unknown): void {
    const tokens = isRecord(usage) ? count(usage['output_tokens']) : 0;
    if (tokens === 0) return;
    this.#outputTokens = tokens;
    this.reportedBytes = this.textBytes;
    this.#report();
  }

  #report(): void {
    let inputTokens = 0;
    for (const tokens of this.#input.values()) inputTokens += tokens;
    const outputTokens = this.#outputTokens ?? 0;
    if (inputTokens + outputTokens > 0) this.usage = { inputTokens, outputTokens };
  }
}
