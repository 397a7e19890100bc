import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, resolve, sep } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
};

export interface StaticFile {
  body: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
}

export interface StaticSiteOptions {
  /** What is at a path, as a text or with headers; of the type its ending tells, HTML where it has none. */
  files?: Readonly<Record<string, string | StaticFile>>;
  /** The folder, by its file system path, that is served below a path: `{ '/client/': folder }`. */
  folders?: Readonly<Record<string, string>>;
}

/** A web site of given files. Each has a port, and so an origin, of its own. */
export interface StaticSite {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves them on a free loopback port; nothing it serves is cached. */
export async function startStaticSite({ files = {}, folders = {} }: StaticSiteOptions): Promise<StaticSite> {
  const server = createServer((request, response) => void serve(request.url ?? '/', response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function serve(url: string, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(url, 'http://127.0.0.1');
    const file = files[pathname] ?? (await fileBelow(folders, pathname));
    if (file === null) return void response.writeHead(404).end();
    const { body, headers = {} } = typeof file === 'string' ? { body: file } : file;
    const type = types[extname(pathname)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', ...headers }).end(body);
  }
}

async function fileBelow(
  folders: Readonly<Record<string, string>>,
  pathname: string,
): Promise<StaticFile | null> {
  for (const [prefix, folder] of Object.entries(folders)) {
    const path = resolve(folder, decodeURIComponent(pathname.slice(prefix.length)));
    if (!pathname.startsWith(prefix) || !path.startsWith(resolve(folder) + sep)) continue;
    return readFile(path).then(
      (body) => ({ body }),
      () => null,
    );
  }
  return null;
}
