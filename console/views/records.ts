import { type Answer, ask } from '../api.ts';
import { limitName } from '../format.ts';
import { html, type View } from '../html.ts';
import type { ShownLimit } from '../parts/limits.ts';
import { notify } from '../parts/notice.ts';
import type { Raise } from '../parts/raises.ts';

/* Teams, users and tokens as the API tells them. */

/** An end user of a team who is suspended. */
export interface SuspendedEndUser {
  end_user: string;
  suspended_at: string;
}

export interface TeamRecord {
  id: string;
  name: string | null;
  limits: ShownLimit[];
  raises?: Raise[] | null;
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  tools: string[] | null;
  tag_keys?: string[] | null;
  end_user_limits?: ShownLimit[] | null;
  suspended_end_users?: SuspendedEndUser[] | null;
  suspended_at?: string | null;
  created_at: string;
}

export interface UserRecord {
  id: string;
  team: string;
  name: string | null;
  email: string | null;
  limits: ShownLimit[];
  raises?: Raise[] | null;
  suspended_at?: string | null;
  created_at: string;
}

export interface TokenSecret {
  prefix: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  /** Of the link that shows it, if there was one. */
  link_made_at?: string;
  link_opened_at?: string | null;
}

export interface TokenRecord {
  id: string;
  team: string;
  user: string;
  name: string | null;
  prefix: string;
  secrets: TokenSecret[];
  limits: ShownLimit[];
  raises?: Raise[] | null;
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  tools: string[] | null;
  end_user_limits?: ShownLimit[] | null;
  tags?: Record<string, string> | null;
  request_tags?: string[] | null;
  session_proof?: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  revoked_because?: 'leaked';
  created_at: string;
}

/** A token of a search: with its state. */
export interface FoundToken extends TokenRecord {
  state: 'working' | 'suspended' | 'expired' | 'revoked';
  last_used_at: string | null;
}

/** A token that was just made: with its text, or the link that shows it. */
export interface IssuedToken extends TokenRecord {
  token?: string;
  claim_url?: string;
  claim_expires_at?: string;
  warnings?: string[];
}

export function limitsInWords(limits: readonly ShownLimit[]): string {
  const [first, ...others] = limits;
  if (!first) return 'none';
  return others.length === 0 ? limitName(first) : `${limitName(first)} and ${others.length} more`;
}

/** Says that a record is suspended. */
export function SuspendedMark({ at }: { at: string | null | undefined }): View | null {
  return at ? html`<span class="mark bad">suspended</span>` : null;
}

export function StateMark({ state }: { state: FoundToken['state'] }): View {
  return html`<span class=${`mark ${state === 'working' ? 'good' : 'bad'}`}>${state}</span>`;
}

/** Suspends a team or a user, or lets it go on; both can be undone. */
export async function suspend(path: string, isSuspended: boolean, reload: () => void): Promise<void> {
  const act = async (verb: 'suspend' | 'resume'): Promise<Answer<unknown>> => {
    const answer = await ask(`${path}/${verb}`, { method: 'POST' });
    reload();
    return answer;
  };
  const answer = await act(isSuspended ? 'resume' : 'suspend');
  if (!answer.ok) return notify({ text: answer.problem.message, isBad: true });
  notify({
    text: isSuspended ? 'Requests are answered again.' : 'Requests are refused from now on.',
    undo: () => act(isSuspended ? 'suspend' : 'resume'),
  });
}

/** A list of what is allowed; null allows everything. */
export function allowed(list: readonly string[] | null, all = 'all'): View {
  if (list === null) return html`<span class="quiet">${all}</span>`;
  if (list.length === 0) return html`<span class="mark bad">none</span>`;
  return html`${list.map((each) => html`<code>${each}</code> `)}`;
}
