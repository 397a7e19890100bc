import { StreamTap } from './stream-tap.ts';
import { errorFirst, readUsage, someTokens, textBytes } from '../upstream/usage.ts';

const finishReason = /"finish_reason"\s*:\s*"[^"]/;

/** Reads along with a stream of chat completions. Its usage is the last that was not all zero. */
export class ChatTap extends StreamTap {
  constructor() {
    super('[DONE]');
  }

  protected read(data: string): void {
    this.textBytes += textBytes(data);
    if (!this.finished) this.finished = finishReason.test(data);
    if (errorFirst.test(data)) this.failed = true;
    const usage = someTokens.test(data) ? readUsage(data) : null;
    if (!usage) return;
    this.usage = usage;
    this.reportedBytes = this.textBytes;
  }
}
