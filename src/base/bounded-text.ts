/** The text of a body; null where it is longer than so many bytes, and then the rest is not read. */
export async function boundedText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null; // leaving the loop lets go of the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
