/** What the key before a value says of the strings in it, in a part of an answer that is generated. */
export type TextRole = 'plain' | 'not_text' | 'free';

/**
 * Generated text is every string inside a choice's `delta`, `message` or `text`, or inside Anthropic's `content`,
 * `content_block` or `delta`, whatever its name: models keep getting new fields (`reasoning_content`, `reasoning`,
 * `thinking`, `audio.transcript`). What a model did not write as text is left out by its key: labels and ids; what is
 * sealed or binary, since its size says nothing of its tokens; and what others wrote, which is not billed as output.
 */
const notText = new RegExp(
  [
    '^(?:role|type|id|.*_id|object|status|format|phase|(?:finish|stop)_reason|stop_sequence|mime_?type|media_type)$',
    'signature|encrypted',
    '^(?:data|b64_json|url|.*_url)$',
    '^(?:citations?|annotations|logprobs)$',
  ].join('|'),
  'i',
);

/** A tool's arguments: the model wrote all of them, names as well. */
const free: ReadonlySet<string> = new Set(['arguments', 'input']);

/** Keys are few, and looking one up takes a fifth of the expression. */
const known = new Map<string, TextRole>();
const maxKnown = 1_000;

export function textRoleOf(key: string): TextRole {
  let role = known.get(key);
  if (role !== undefined) return role;
  if (known.size >= maxKnown) known.clear();
  role = free.has(key) ? 'free' : notText.test(key) ? 'not_text' : 'plain';
  known.set(key, role);
  return role;
}
