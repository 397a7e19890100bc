import { createServer } from 'node:http';
import { flushCompileCache } from 'node:module';
import { Pool } from 'undici';

/*
 * The least a proxy in Node can do: node:http in, undici out, nothing inspected. `node bench/bare.ts PORT UPSTREAM_URL`
 */
const [port, upstream = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { headersTimeout: 0, bodyTimeout: 0 });

const server = createServer((request, response) => {
  const { url = '/', method = 'GET' } = request;
  const headers = { 'content-type': 'application/json' };
  pool
    .stream({ path: url, method: method === 'POST' ? 'POST' : 'GET', headers, body: request }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      return response;
    })
    .catch(() => response.destroy());
});
server.keepAliveTimeout = 95_000;
server.listen(Number(port), '127.0.0.1', 4_096);
flushCompileCache(); // The gateway's sources are compiled ahead: so are these, from the second start on.
