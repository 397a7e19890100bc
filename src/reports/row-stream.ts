const encoder = new TextEncoder();

export interface StreamEnds {
  /** Aborted when the reader leaves. */
  left: AbortController;
  /** Called with an error that occurs after the first text. */
  failed: (error: unknown) => void;
  /** Cuts the reader's connection. Null if there is none: then the stream fails instead. */
  cut: (() => void) | null;
}

/**
 * Texts as a stream of bytes. Each text is read only when the reader is ready for it, except for the first: if reading
 * it fails, this rejects, so another answer is still possible.
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
          // If the stream failed, node-server would print the whole error, bypassing the log.
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
