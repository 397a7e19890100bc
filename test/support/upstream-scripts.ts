import type { OutgoingHttpHeaders } from 'node:http';
import { type FrameOptions, pause, sendFrames } from '../../src/demo/connection.ts';
import { cut, type Script } from './stand-in.ts';

const sseHeaders = { 'content-type': 'text/event-stream' };

/** Answers with exactly this. */
export function respond(
  status: number,
  headers: OutgoingHttpHeaders = {},
  body: string | Uint8Array = '',
): Script {
  return (_req, res) => {
    res.writeHead(status, headers).end(body);
    return true;
  };
}

/** The page of a web application firewall, as it meets prompts with `<script>` or `../` in them. */
export function wafPage(): Script {
  const page = '<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>\n';
  return respond(403, { 'content-type': 'text/html' }, page);
}

/** An error whose `error` is a string, as some of Heroku's are. */
export function jsonStringError(status = 500, message = 'Failed to execute chat'): Script {
  return respond(status, { 'content-type': 'application/json' }, JSON.stringify({ error: message }));
}

/** Never answers. */
export function hang(): Script {
  return () => true;
}

/** Resets the connection before any of an answer. */
export function resetBeforeAnswer(): Script {
  return (_req, res) => {
    cut(res, 'rst');
    return true;
  };
}

/**
 * Sends these bytes as the beginning of an answer, then breaks the connection off without ending the answer.
 * By a FIN, not a RST, since a RST may overtake bytes that the reader has not taken yet.
 */
export function resetAfter(bytes: string | Uint8Array, headers: OutgoingHttpHeaders = sseHeaders): Script {
  return (_req, res) => {
    res.writeHead(200, headers);
    res.write(bytes, () => cut(res, 'fin'));
    return true;
  };
}

/** Sends these frames as they are, each in a write of its own, with a pause between them. */
export function streamFrames(
  frames: Iterable<string | Uint8Array>,
  { delayMs = 0, headers = sseHeaders, end = true }: Partial<FrameOptions> = {},
): Script {
  return async (_req, res) => {
    await sendFrames(res, frames, { delayMs, headers, end });
    return true;
  };
}

/** Keeps the caller waiting for the first byte; then the stand-in answers as usual. */
export function slowFirstByte(ms: number): Script {
  return async (_req, res) => !(await pause(res, ms));
}
