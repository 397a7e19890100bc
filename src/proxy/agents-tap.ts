import { addedUsage } from '../base/outcome.ts';
import { StreamTap } from './stream-tap.ts';
import { errorFirst, readUsage, someTokens, textBytes } from '../upstream/usage.ts';

/** What a tool said, which nobody generated. */
const ofTool = /"object"\s*:\s*"tool\.completion"/;

/**
 * Reads along with a stream of Heroku's agents: several inferences in one answer, each with its own usage, so
 * usages are added up. A finish reason ends an inference, not the answer: only `[DONE]` does.
 */
export class AgentsTap extends StreamTap {
  constructor() {
    super('[DONE]');
  }

  protected read(data: string): void {
    if (errorFirst.test(data)) this.failed = true;
    if (!ofTool.test(data)) this.textBytes += textBytes(data);
    const usage = someTokens.test(data) ? readUsage(data) : null;
    if (!usage) return;
    this.usage = addedUsage(this.usage, usage);
    this.reportedBytes = this.textBytes;
  }
}
