import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip as gzipCompress } from 'node:zlib';
import type { TextReply } from './answers.ts';

/** A file that never changes under its name, which has a hash of its content. It is compressed once. */
export interface StaticFile {
  /** Such as `console.0f3a….js`. */
  name: string;
  type: string;
  plain: Buffer;
  gzip: Buffer;
  brotli: Buffer;
}

const hashLength = 16;

interface Content {
  type: string;
  text: string;
}

const gzipOptions = { level: 9 };
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/** Prepares a file. `stem` and `extension` are of its name. It is compressed in the background, which may take a second. */
export async function staticFile(
  stem: string,
  extension: string,
  { type, text }: Content,
): Promise<StaticFile> {
  const plain = Buffer.from(text);
  const [gzip, brotli] = await Promise.all([
    promisify(gzipCompress)(plain, gzipOptions),
    promisify(brotliCompress)(plain, brotliOptions),
  ]);
  const name = `${stem}.${hash('sha256', plain, 'hex').slice(0, hashLength)}.${extension}`;
  return { name, type, plain, gzip, brotli };
}

/** The file in the best coding that a browser takes (RFC 9110, 12.5.3). It may be kept for good. */
export function staticReply(
  { type, plain, gzip, brotli }: StaticFile,
  acceptEncoding: string | string[] | undefined,
): TextReply {
  const coding = /\bbr\b/.test(String(acceptEncoding))
    ? 'br'
    : /\bgzip\b/.test(String(acceptEncoding))
      ? 'gzip'
      : null;
  const bodies = { br: brotli, gzip };
  return {
    status: 200,
    text: coding === null ? plain : bodies[coding],
    headers: {
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
      ...(coding === null ? {} : { 'content-encoding': coding }),
    },
  };
}

/** A function that makes something when it is first called, and keeps it. What could not be made is tried again. */
export function madeOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
