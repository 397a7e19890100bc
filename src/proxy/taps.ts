import { addedUsage } from '../base/outcome.ts';
import type { AnswerFormat } from '../base/request.ts';
import { usageIn } from '../upstream/usage.ts';
import { JsonTap } from './json-tap.ts';
import { MessagesTap } from './messages-tap.ts';
import { StreamTap } from './stream-tap.ts';

/** Reads along with a stream of chat completions. Its usage is the last that was not all zero. */
export class ChatTap extends StreamTap {
  protected override readonly endsWithReason = true;

  protected read(event: Record<string, unknown>): void {
    const usage = usageIn(event);
    if (usage) this.report(usage);
  }
}

/**
 * Reads along with a stream of Heroku's agents: several inferences in one answer, each with its own usage, so
 * usages are added up. A finish reason ends an inference, not the answer: only `[DONE]` does.
 */
export class AgentsTap extends StreamTap {
  protected override readonly readsAll = true;

  /** A tool's output, which no model generated, has a name of its own. */
  protected override isGenerated(event: Record<string, unknown>): boolean {
    return event['object'] !== 'tool.completion';
  }

  protected read(event: Record<string, unknown>): void {
    const usage = usageIn(event);
    if (usage) this.report(addedUsage(this.usage, usage));
  }
}

/** What reads along with the answers of each format, as a stream and as plain JSON. */
export const taps: Readonly<Record<AnswerFormat, { stream: () => StreamTap; plain: () => JsonTap }>> = {
  openai: { stream: () => new ChatTap(), plain: () => new JsonTap({ list: 'choices' }) },
  'openai-embeddings': { stream: () => new ChatTap(), plain: () => new JsonTap({ list: 'data' }) },
  'openai-images': {
    stream: () => new ChatTap(),
    plain: () => new JsonTap({ list: 'data', countsImages: true }),
  },
  anthropic: { stream: () => new MessagesTap(), plain: () => new JsonTap({ list: 'content' }) },
  'heroku-agents': { stream: () => new AgentsTap(), plain: () => new JsonTap({ list: 'choices' }) },
  // The documents come back in the answer, and no model wrote those.
  cohere: {
    stream: () => new ChatTap(),
    plain: () => new JsonTap({ list: 'results', isGenerated: false }),
  },
};
