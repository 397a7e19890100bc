import { createServer, type ServerResponse } from 'node:http';
import {
  chunksPerStream,
  frames,
  type Frames,
  largeImage,
  messagesFrames,
  messagesPath,
  shortAnswer,
} from './bodies.ts';

/*
 * A cheap upstream: canned answers, and streams that send a chunk every so many ms; one whose prompt is `hold` stays
 * open for ever. `node bench/upstream.ts PORT EVERY_MS`
 */
const [port, everyMs] = process.argv.slice(2).map(Number);

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (text: string) => (body = body.length < 1_000 ? body + text : body));
  request.on('end', () => answer(body, request.url ?? '', response));
});
server.keepAliveTimeout = 600_000;
server.listen(port, '127.0.0.1', 4_096);

function answer(body: string, path: string, response: ServerResponse): void {
  if (body.includes('"stream":true')) {
    stream(response, path.endsWith(messagesPath) ? messagesFrames : frames, body.includes('"hold'));
    return;
  }
  const json = path.endsWith('/images/generations') ? largeImage : shortAnswer;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': json.length });
  response.end(json);
}

function stream(response: ServerResponse, { first, words, last }: Frames, isEndless: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(first);
  if (isEndless) return;
  let sent = 1;
  const timer = setInterval(() => {
    if (sent < chunksPerStream) response.write(words[sent % words.length]);
    else {
      response.end(last);
      clearInterval(timer);
    }
    sent += 1;
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}
