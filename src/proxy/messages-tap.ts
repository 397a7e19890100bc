import { isRecord } from '../base/request.ts';
import { anthropicUsageFields, usageOf } from '../upstream/usage.ts';
import { StreamTap } from './stream-tap.ts';

/**
 * Reads along with a stream of Anthropic's Messages API. `message_start` reports the input, `message_delta` the
 * output so far and perhaps the input again: figures are cumulative, so the last one of each counts. Only
 * `message_stop` completes it.
 */
export class MessagesTap extends StreamTap {
  protected override readonly endMark = null;
  /** The last figure of each name that was not zero. */
  readonly #figures: Partial<Record<(typeof anthropicUsageFields)[number], unknown>> = {};
  #hasOutput = false;

  /** Anthropic's clients look at the event's name only. */
  protected override isNoticed(_event: Record<string, unknown> | null, isNamed: boolean): boolean {
    return isNamed;
  }

  protected read({ type, message, usage }: Record<string, unknown>): void {
    switch (type) {
      case 'message_start':
        // Its output_tokens are a guess that the first message_delta replaces.
        if (isRecord(message) && isRecord(message['usage'])) {
          this.#readFigures({ ...message['usage'], output_tokens: 0 });
        }
        break;
      case 'message_delta':
        if (isRecord(usage)) this.#readFigures(usage);
        break;
      case 'message_stop':
        this.done = true;
        // Without a word about the output the rest is no report of what this cost.
        if (!this.#hasOutput && this.textBytes > 0) this.usage = null;
        break;
      default:
    }
  }

  #readFigures(usage: Record<string, unknown>): void {
    for (const field of anthropicUsageFields) {
      if (saysSomething(usage[field])) this.#figures[field] = usage[field];
    }
    this.usage = usageOf(this.#figures);
    if (this.usage === null || (usageOf(usage)?.outputTokens ?? 0) === 0) return;
    this.#hasOutput = true;
    this.report(this.usage);
  }
}

/** Zeros replace nothing: what was reported before still holds. */
function saysSomething(figure: unknown): boolean {
  if (typeof figure === 'object' && figure !== null) return Object.values(figure).some(saysSomething);
  return typeof figure === 'number' && figure > 0;
}
