import { randomUUID } from 'node:crypto';
import type { AnswerFormat, Frames } from '../base/request.ts';
import { OpenAiFrames } from './openai-frames.ts';
import { PlainReply } from './plain-reply.ts';
import type { Reply, ReplyHost } from './reply.ts';
import type { ResponseOptions } from './responses/response-events.ts';
import { ResponseReply } from './responses/response-reply.ts';
import { ResponseStream } from './responses/response-stream.ts';
import { StreamReply, type StreamTimings } from './stream-reply.ts';
import type { StreamRewriter } from './stream-rewriter.ts';
import { taps } from './taps.ts';

export interface ReplyOptions {
  /** Decides how the answer is read along with. */
  answerFormat: AnswerFormat;
  stream: boolean;
  /** The shape of a stream's frames; null: as they come. */
  frames: Frames | null;
  /** What makes a response of a chat answer; null: it stays what it is. */
  asResponse: Omit<ResponseOptions, 'random'> | null;
  timings: StreamTimings;
}

/** What brings the answer to the caller. */
export function replyOf(host: ReplyHost, options: ReplyOptions): Reply {
  const { answerFormat, stream, timings, asResponse } = options;
  if (stream) {
    return new StreamReply(host, {
      timings,
      tap: taps[answerFormat].stream(),
      rewriter: rewriterOf(host, options),
    });
  }
  const tap = taps[answerFormat].plain();
  if (asResponse === null) return new PlainReply(host, timings.firstHeartbeatMs, tap);
  return new ResponseReply(host, { timings, tap, response: { ...asResponse, random: randomId() } });
}

function rewriterOf(
  host: ReplyHost,
  { frames, answerFormat, asResponse }: ReplyOptions,
): StreamRewriter | null {
  if (asResponse !== null) {
    return new ResponseStream({ ...asResponse, random: randomId() }, (bytes) => host.keeps(bytes));
  }
  return frames === 'openai' && answerFormat === 'openai' ? new OpenAiFrames() : null;
}

/** The random part of the ids of a response and its items: 32 hexadecimal digits. */
function randomId(): string {
  return randomUUID().replaceAll('-', '');
}
