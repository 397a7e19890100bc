import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Waits; resolves early, with false, when the connection is gone. */
export function pause(res: ServerResponse, ms: number): Promise<boolean> {
  if (res.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (stillThere: boolean): void => {
      clearTimeout(timer);
      res.off('close', onClose);
      resolve(stillThere);
    };
    const onClose = (): void => settle(false);
    const timer = setTimeout(settle, ms, true);
    res.once('close', onClose);
  });
}

/** Writes and waits until more may be written; resolves with false when the connection is gone. */
export function write(res: ServerResponse, chunk: string | Uint8Array): Promise<boolean> {
  if (res.destroyed) return Promise.resolve(false);
  if (res.write(chunk)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const onDrain = (): void => {
      res.off('close', onClose);
      resolve(true);
    };
    const onClose = (): void => {
      res.off('drain', onDrain);
      resolve(false);
    };
    res.once('drain', onDrain);
    res.once('close', onClose);
  });
}

export interface FrameOptions {
  delayMs: number;
  headers: OutgoingHttpHeaders;
  /** False: keep the answer open and silent after the last frame. */
  end: boolean;
}

/** Sends each frame in a write of its own, until all are sent or the caller is gone. */
export async function sendFrames(
  res: ServerResponse,
  frames: Iterable<string | Uint8Array>,
  { delayMs, headers, end }: FrameOptions,
): Promise<void> {
  res.writeHead(200, headers);
  res.flushHeaders();
  let first = true;
  for (const frame of frames) {
    if (!first && delayMs > 0 && !(await pause(res, delayMs))) return;
    first = false;
    if (!(await write(res, frame))) return;
  }
  if (end) res.end();
}
