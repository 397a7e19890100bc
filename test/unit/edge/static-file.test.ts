import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { staticFile, staticReply } from '../../../src/edge/static-file.ts';

const content = { type: 'text/css; charset=UTF-8', text: '.a { color: red; }\n'.repeat(100) };

describe('a file that browsers keep for good', () => {
  it('has a name that changes with its content', async () => {
    const file = await staticFile('page', 'css', content);
    expect(file.name).toMatch(/^page\.[0-9a-f]{16}\.css$/);
    expect((await staticFile('page', 'css', content)).name).toBe(file.name);
    expect((await staticFile('page', 'css', { ...content, text: '' })).name).not.toBe(file.name);
  });

  it('comes in the best coding that a browser takes', async () => {
    const file = await staticFile('page', 'css', content);
    const reply = (accepted?: string): ReturnType<typeof staticReply> => staticReply(file, accepted);
    const { headers, text } = reply('gzip, deflate, br, zstd');
    expect(headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    expect(brotliDecompressSync(text).toString()).toBe(content.text);
    expect(gunzipSync(reply('gzip').text).toString()).toBe(content.text);
    expect(reply().headers).not.toHaveProperty('content-encoding');
    expect(reply().text.toString()).toBe(content.text);
  });
});
