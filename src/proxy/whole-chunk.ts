import type { ServerResponse } from 'node:http';

/**
 * Writes a chunk of a body to its connection in one piece: its size, the bytes and the line ends around them (RFC 9112,
 * 7.1). The bytes are Node's own, but Node writes them as four pieces, which costs a fifth of a streamed chunk.
 *
 * Only for a response of which all that was written has gone out, the head with it: nothing is overtaken, and no reader is
 * kept waiting for. `done` is called when the chunk has gone out, too, and never in the same turn.
 *
 * False if anything is out of the ordinary: then nothing was written, and Node's `write` must do it.
 */
export function writeWholeChunk(response: ServerResponse, latin1: string, done: () => void): boolean {
  const { socket } = response;
  // A response has no socket of its own while it waits behind others of its connection.
  if (socket === null || !socket.writable || response.writableLength > 0) return false;
  if (!response.chunkedEncoding || response.req.method === 'HEAD') return false;
  if (response.writableEnded || response.destroyed) return false;
  // A chunk without bytes would end the body. After a large one the reader may be waited for.
  if (latin1 === '' || latin1.length > maxChars) return false;
  socket.write(`${latin1.length.toString(16)}\r\n${latin1}\r\n`, 'latin1', done);
  return true;
}

/** Of 16,384 bytes, the least that Node takes from a writer without making it wait. */
const maxChars = 16_000;
