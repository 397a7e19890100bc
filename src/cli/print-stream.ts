import { CommandFailed, exitCodes } from './command-failed.ts';

/** How long a stream may be silent: the gateway may search many entries before it finds the next row. */
const silenceMs = 120_000;

/** Aborts a request whose answer has been silent for too long. */
export class SilenceTimeout {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Call it when the request starts, and whenever data arrives. */
  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), silenceMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Prints a body as it arrives, whole lines at a time; `out` ends each text with a line feed. Rejects with
 * `CommandFailed` if the body breaks off.
 */
export async function printStream(
  body: ReadableStream<Uint8Array> | null,
  out: (text: string) => void,
  silence: SilenceTimeout,
): Promise<void> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // printed, if it was asked for
  let rest = '';
  try {
    for await (const chunk of body ?? []) {
      silence.renew();
      const text = rest + decoder.decode(chunk, { stream: true });
      const end = text.lastIndexOf('\n');
      if (end >= 0) out(text.slice(0, end));
      rest = text.slice(end + 1);
    }
  } catch {
    throw new CommandFailed('The answer broke off: the output is incomplete.', exitCodes.unreachable);
  }
  if (rest !== '') out(rest);
}
