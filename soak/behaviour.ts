import type { Random } from './random.ts';

/** What a call asks of the upstream. It is written into the prompt, and the upstream follows it. */
export type Behaviour =
  | { do: 'answer'; delayMs: number; words: number }
  | { do: 'error'; status: 400 | 401 | 429 | 500 }
  /** Resets the connection before the answer begins. */
  | { do: 'reset' }
  /** Breaks the answer off in the middle. */
  | { do: 'break'; words: number }
  /** Answers a few words, then nothing: only for callers that leave. */
  | { do: 'hang' };

/** Draws what happens to one call. */
export function drawBehaviour(random: Random, leaves: boolean): Behaviour {
  if (leaves && random.chance(0.4)) return { do: 'hang' };
  const draw = random.next();
  if (draw < 0.04) return { do: 'error', status: random.pick([400, 401, 429, 500] as const) };
  if (draw < 0.06) return { do: 'reset' };
  if (draw < 0.08) return { do: 'break', words: random.integer(1, 5) };
  return { do: 'answer', delayMs: random.integer(0, 40), words: random.integer(1, 12) };
}

/** The behaviour as a prompt. */
export function asPrompt(behaviour: Behaviour): string {
  return JSON.stringify(behaviour);
}

/** The behaviour back from a body of any endpoint. */
export function behaviourOf(body: Record<string, unknown>): Behaviour {
  const [message] = (body['messages'] ?? []) as { content: string }[];
  const prompts: unknown[] = [message?.content, body['input'], body['prompt']];
  return JSON.parse(prompts.find((prompt) => typeof prompt === 'string') ?? '{}') as Behaviour;
}
