import type { Refusal } from '../base/refusal.ts';

/** Makes what the caller gets of a stream's chunks. Feed it any split; texts are Latin-1, so that a character is a byte. */
export interface StreamRewriter {
  /** Why it cannot go on: the stream is to be broken off with that; null if nothing is wrong. */
  readonly trouble: Refusal | null;
  /** Null if the events stay those of the upstream. */
  readonly ownEvents: OwnEvents | null;
  /** What to send for the next bytes; perhaps nothing. `isDone`: the end mark is among them, or was before. */
  rewrite(chunk: string, isDone: boolean): string;
  /** What is left to send when the upstream's answer has ended: whole, or too early. */
  rest(isComplete: boolean): string;
}

/** All that a rewriter with events of its own gives out ends between two of them. */
export interface OwnEvents {
  /** The upstream has told of an error itself. A stream that says so has not been broken off. */
  readonly isError: boolean;
  /** The last events of a stream that fails; nothing if they have been told. */
  failure(refusal: Refusal): string;
}
