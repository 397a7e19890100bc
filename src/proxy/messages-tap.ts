import { isRecord, parsedJson } from '../base/request.ts';
import { StreamTap } from './stream-tap.ts';
import { anthropicUsageFields, textBytes, usageOf } from '../upstream/usage.ts';

/** The few events that tell more than text: only these are parsed, wherever in them their type stands. */
const telling = /"type"\s*:\s*"(?:message_start|message_delta|message_stop|error)"/;

/**
 * Reads along with a stream of Anthropic's Messages API. `message_start` reports the input, `message_delta` the
 * output so far and perhaps the input again: figures are cumulative, so the last one of each counts. Only
 * `message_stop` completes it.
 */
export class MessagesTap extends StreamTap {
  protected override readonly endMark = null;
  /** The last figure of each name that was not zero. */
  readonly #reported: Partial<Record<(typeof anthropicUsageFields)[number], unknown>> = {};

  protected read(data: string): void {
    this.textBytes += textBytes(data);
    if (!telling.test(data)) return;
    const event = parsedJson(data);
    if (!isRecord(event)) return;
    switch (event['type']) {
      case 'message_start':
        // Its output_tokens are a guess that the first message_delta replaces.
        if (isRecord(event['message'])) this.#readUsage(event['message']['usage'], { withOutput: false });
        break;
      case 'message_delta':
        this.#readUsage(event['usage'], { withOutput: true });
        break;
      case 'message_stop':
        this.done = true;
        // Without a word about the output the rest is no report of what this cost.
        if (this.#reported.output_tokens === undefined && this.textBytes > 0) this.usage = null;
        break;
      case 'error':
        this.failed = true;
        break;
      default:
    }
  }

  #readUsage(usage: unknown, { withOutput }: { withOutput: boolean }): void {
    if (!isRecord(usage)) return;
    for (const field of anthropicUsageFields) {
      if (field === 'output_tokens' && !withOutput) continue;
      const figure = usage[field];
      if (!saysSomething(figure)) continue;
      this.#reported[field] = figure;
      if (field === 'output_tokens') this.reportedBytes = this.textBytes;
    }
    this.usage = usageOf(this.#reported);
  }
}

/** Zeros replace nothing: what was reported before still holds. */
function saysSomething(figure: unknown): boolean {
  if (isRecord(figure)) return Object.values(figure).some(saysSomething);
  return typeof figure === 'number' && figure > 0;
}
