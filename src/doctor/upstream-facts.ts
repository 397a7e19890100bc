import type { Attachment } from '../base/attachment.ts';
import type { ListedModel } from '../base/model.ts';
import { readAvailableModels } from '../models/available-models.ts';
import { boundedText } from '../upstream/fetch-json.ts';
import { mcpServersPath } from '../validation/registry.ts';

const maxBytes = 1_048_576;

/** What an upstream answered. Nothing that it was asked for costs anything. */
export interface UpstreamFacts {
  readonly attachment: Attachment;
  /** Of its list of models, or why there was no answer. */
  readonly listing: Asked;
  /** Null: there is no such list. */
  readonly models: ReadonlyMap<string, ListedModel> | null;
  /** Of a path that needs a key, which the list of models does not. */
  readonly keyed: Asked;
}

type Asked = { readonly status: number } | { readonly failed: string };

/** Asks an upstream with its key. Never rejects. */
export async function upstreamFacts(attachment: Attachment, signal: AbortSignal): Promise<UpstreamFacts> {
  const [listing, keyed] = await Promise.all([
    ask(attachment, '/available-models', signal),
    ask(attachment, mcpServersPath, signal),
  ]);
  const text = 'text' in listing && listing.status === 200 ? listing.text : null;
  return { attachment, listing, models: text === null ? null : readAvailableModels(text), keyed };
}

async function ask(
  { baseUrl, key }: Attachment,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string | null } | { failed: string }> {
  try {
    const response = await fetch(`${baseUrl}${path}`, {
      headers: { accept: 'application/json', authorization: `Bearer ${key}` },
      redirect: 'error',
      signal,
    });
    const text = response.body === null ? null : await boundedText(response.body, maxBytes);
    return { status: response.status, text };
  } catch (error) {
    if (signal.aborted) return { failed: 'it does not answer' };
    // Node's own error says only that it failed.
    const cause = error instanceof Error ? error.cause : undefined;
    return { failed: cause instanceof Error ? cause.message || codeIn(cause) : 'the connection failed' };
  }
}

function codeIn(error: Error): string {
  return 'code' in error ? String(error.code) : 'the connection failed';
}
