import { addedUsage } from '../base/outcome.ts';
import type { AnswerFormat } from '../base/request.ts';
import { errorFirst, readUsage, someTokens, textBytes } from '../upstream/usage.ts';
import { JsonTap } from './json-tap.ts';
import { MessagesTap } from './messages-tap.ts';
import { StreamTap } from './stream-tap.ts';

const finishReason = /"finish_reason"\s*:\s*"[^"]/;

/** Reads along with a stream of chat completions. Its usage is the last that was not all zero. */
export class ChatTap extends StreamTap {
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

/** A tool's output, which no model generated. */
const ofTool = /"object"\s*:\s*"tool\.completion"/;

/**
 * Reads along with a stream of Heroku's agents: several inferences in one answer, each with its own usage, so
 * usages are added up. A finish reason ends an inference, not the answer: only `[DONE]` does.
 */
export class AgentsTap extends StreamTap {
  protected read(data: string): void {
    if (errorFirst.test(data)) this.failed = true;
    if (!ofTool.test(data)) this.textBytes += textBytes(data);
    const usage = someTokens.test(data) ? readUsage(data) : null;
    if (!usage) return;
    this.usage = addedUsage(this.usage, usage);
    this.reportedBytes = this.textBytes;
  }
}

/** What reads along with the answers of each format, as a stream and as plain JSON. */
export const taps: Readonly<Record<AnswerFormat, { stream: () => StreamTap; plain: () => JsonTap }>> = {
  openai: { stream: () => new ChatTap(), plain: () => new JsonTap() },
  anthropic: { stream: () => new MessagesTap(), plain: () => new JsonTap() },
  'heroku-agents': { stream: () => new AgentsTap(), plain: () => new JsonTap() },
  // The documents come back in the answer, and no model wrote those.
  cohere: { stream: () => new ChatTap(), plain: () => new JsonTap({ generated: false }) },
};
