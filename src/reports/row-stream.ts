const encoder = new TextEncoder();

export interface StreamEnds {
  /** Aborted when the reader has left. */
  left: AbortController;
  /** Told what went wrong on the way. */
  failed: (error: unknown) => void;
  /** Cuts the reader's connection; null where there is none, and the reader is told by an error of the stream. */
  cut: (() => void) | null;
}

/**
 * Texts as a stream of bytes, asked for one by one as the reader takes them. The first is asked for at once: rejects
 * with whatever that fails with, while there still can be another answer.
 */
export async function streamOf(
  texts: AsyncGenerator<string>,
  { left, failed, cut }: StreamEnds,
): Promise<ReadableStream<Uint8Array>> {
  let ready: IteratorResult<string> | null = await texts.next();

  async function next(): Promise<IteratorResult<string>> {
    let step = ready ?? (await texts.next());
    ready = null;
    while (!step.done && step.value === '' && !left.signal.aborted) step = await texts.next();
    return step;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const step = await next();
          if (left.signal.aborted) return;
          if (step.done) controller.close();
          else controller.enqueue(encoder.encode(step.value));
        } catch (error) {
          failed(error);
          if (cut === null) return controller.error(error);
          // Of an error of the stream node-server would print all it knows, beside the log.
          cut();
          controller.close();
        }
      },
      async cancel() {
        left.abort();
        await texts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
