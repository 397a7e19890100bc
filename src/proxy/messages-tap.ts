import { isRecord } from '../base/request.ts';
import { count, usageOf } from '../upstream/usage.ts';
import { StreamTap } from './stream-tap.ts';

/**
 * Reads along with a stream of Anthropic's Messages API. `message_start` reports the input, `message_delta` the
 * output so far and perhaps the input again: figures are cumulative, so the last one of each counts. Only
 * `message_stop` completes it.
 */
export class MessagesTap extends StreamTap {
  protected override readonly endMark = null;
  /** The last of each figure that was not zero. */
  readonly #figures: Record<string, unknown> = {};
  #hasOutput = false;

  protected read(event: Record<string, unknown>): void {
    const { type, message, usage } = event;
    if (type === 'message_start') {
      // Its output_tokens are a guess that the first message_delta replaces.
      if (isRecord(message) && isRecord(message['usage'])) {
        this.#add({ ...message['usage'], output_tokens: 0 });
        this.usage = usageOf(this.#figures);
      }
    } else if (type === 'message_delta') {
      if (isRecord(usage)) this.#readDelta(usage);
    } else if (type === 'message_stop') {
      this.done = true;
      // Without a word about the output the rest is no report of what this cost.
      if (!this.#hasOutput && this.textBytes > 0) this.usage = null;
    }
  }

  #readDelta(delta: Record<string, unknown>): void {
    this.#add(delta);
    const usage = usageOf(this.#figures);
    if (usage === null) return;
    this.usage = usage;
    if ((usageOf(delta)?.outputTokens ?? 0) === 0) return;
    this.#hasOutput = true;
    this.report(usage);
  }

  #add(figures: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(figures)) {
      if (count(value) > 0 || typeof value === 'object') this.#figures[name] = value;
    }
  }
}
