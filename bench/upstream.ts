import { createServer, type ServerResponse } from 'node:http';
import { chunksPerStream, frames, largeImage, messagesFrames, messagesPath, shortAnswer } from './bodies.ts';

/*
 * A cheap upstream: canned answers, and streams that send chunks at fixed intervals. `?every=` sets the interval, ms;
 * `?hold` keeps a stream open for ever. `node bench/upstream.ts PORT`
 */
const [port] = process.argv.slice(2);

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (text: string) => (body = body.length < 1_000 ? body + text : body));
  request.on('end', () => answer(body, request.url ?? '', response));
});
server.keepAliveTimeout = 600_000;
server.listen(Number(port), '127.0.0.1', 4_096);

function answer(body: string, path: string, response: ServerResponse): void {
  if (body.includes('"stream":true')) {
    const { first, word, last } = path.endsWith(messagesPath)
      ? messagesFrames
      : { first: frames.word, ...frames };
    stream(response, { first, word, last, everyMs: 10, endless: body.includes('"hold') });
    return;
  }
  const json = path.endsWith('/images/generations') ? largeImage : shortAnswer;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': json.length });
  response.end(json);
}

interface Frames {
  first: string;
  word: string;
  last: string;
  everyMs: number;
  endless: boolean;
}

function stream(response: ServerResponse, { first, word, last, everyMs, endless }: Frames): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(first);
  if (endless) return;
  let left = chunksPerStream - 1;
  const timer = setInterval(() => {
    if (left > 0) response.write(word);
    else {
      response.end(last);
      clearInterval(timer);
    }
    left -= 1;
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}
