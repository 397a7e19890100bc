import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Answer, ask } from '../api.ts';
import { html, type Children, type View } from '../html.ts';
import { Secret } from '../parts/copy.ts';
import { Choice, Field, Form, textOf } from '../parts/form.ts';
import { Page } from '../parts/page.ts';
import { LimitFields, limitIn } from '../parts/limit-form.ts';
import { Time } from '../parts/time.ts';
import { TryIt } from '../parts/try-it.ts';
import { hrefTo } from '../router.ts';
import type { IssuedToken, TeamRecord, UserRecord } from './records.ts';

interface Made {
  team: string | null;
  user: string | null;
  hasLimit: boolean;
  issued: IssuedToken | null;
}

const nothingMade: Made = { team: null, user: null, hasLimit: false, issued: null };

/** From nothing to a first answer: team, user, limit, token, and a call with it. */
export function Start(): View {
  const [made, setMade] = useState(nothingMade);
  const { team, user, hasLimit, issued } = made;
  const now = team === null ? 1 : user === null ? 2 : hasLimit ? (issued === null ? 4 : 5) : 3;
  return html`<${Page} title="First steps">
    <p class="quiet">
      Five steps to a first answer, yours or a colleague's. What you make here can be changed, suspended and
      deleted later.
    </p>
    <${Step} at=${1} now=${now} title="A team" done=${team}>
      <p>The people of a team share its limits. Its id cannot be changed later.</p>
      <${Form}
        action="Make the team"
        send=${makeTeam}
        done=${({ id, limits }: TeamRecord) => setMade({ ...made, team: id, hasLimit: limits.length > 0 })}
      >
        <${Field}
          name="id"
          label="Id of the team"
          value="acme"
          required
          hint="Lowercase letters, digits and -. A team that exists is used as it is."
        />
      <//>
    <//>
    <${Step} at=${2} now=${now} title="A user in it" done=${user}>
      <${Form}
        action="Make the user"
        send=${makeUser(team ?? '')}
        done=${({ id }: UserRecord) => setMade({ ...made, user: id })}
      >
        <${Field}
          name="id"
          label="Id of the user"
          value="ana"
          required
          hint="Lowercase letters, digits and -."
        />
        <${Field} name="name" label="Name" hint="For people. Optional." />
      <//>
    <//>
    <${Step} at=${3} now=${now} title="A limit for the team" done=${hasLimit ? 'set' : null}>
      <${LimitStep} team=${team ?? ''} done=${() => setMade({ ...made, hasLimit: true })} />
    <//>
    <${Step} at=${4} now=${now} title="A token" done=${issued?.id ?? null}>
      <${Form}
        action="Issue the token"
        send=${issue(team ?? '', user ?? '')}
        done=${(token: IssuedToken) => setMade({ ...made, issued: token })}
      >
        <${Choice}
          name="handover"
          label="Whose is it?"
          options=${[
            ['text', 'I try it myself, here and now'],
            ['link', "A colleague's: make a link that shows it once"],
          ]}
        />
      <//>
    <//>
    <${Step} at=${5} now=${now} title=${issued?.claim_url ? 'Send the link' : 'Try it'} done=${null}>
      ${issued?.token ? html`<${TryIt} token=${issued.token} />` : null}
      ${issued?.claim_url ? html`<${Invite} issued=${issued} again=${() => setMade({ ...made, issued: null })} />` : null}
    <//>
    ${
      issued && team
        ? html`<p>
            Go on: <a href=${hrefTo(['teams', team])}>the team ${team}</a>,
            <a href=${hrefTo([])}>the overview</a>, or
            <button type="button" class="plain" onClick=${() => setMade(nothingMade)}>begin again</button>.
          </p>`
        : null
    }
  <//>`;
}

interface StepProps {
  at: number;
  now: number;
  title: string;
  /** What came of it; null: nothing yet. */
  done: string | null;
  children?: Children;
}

function Step({ at, now, title, done, children }: StepProps): View {
  const state = at < now ? 'done' : at > now ? 'later' : 'now';
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  // The form that was sent is gone: go on at the next one.
  useLayoutEffect(() => {
    if (!isFirst.current && state === 'now') heading.current?.focus();
    isFirst.current = false;
  }, [state]);
  return html`<section class=${`card step ${state}`} aria-current=${state === 'now' ? 'step' : undefined}>
    <header>
      <h2 ref=${heading} tabindex="-1">${at}. ${title}</h2>
      ${done ? html`<code>${done}</code>` : null}
    </header>
    ${state === 'now' ? children : null}
  </section>`;
}

/** A record that exists already is as good as a new one. */
async function madeOr<T>(made: Promise<Answer<T>>, existing: () => Promise<Answer<T>>): Promise<Answer<T>> {
  const answer = await made;
  return !answer.ok && answer.problem.code === 'already_exists' ? existing() : answer;
}

function makeTeam(fields: FormData): Promise<Answer<TeamRecord>> {
  const id = textOf(fields, 'id') ?? '';
  return madeOr(ask<TeamRecord>('/admin/teams', { method: 'POST', body: { id } }), () =>
    ask<TeamRecord>(`/admin/teams/${encodeURIComponent(id)}`),
  );
}

function makeUser(team: string) {
  return (fields: FormData): Promise<Answer<UserRecord>> => {
    const id = textOf(fields, 'id') ?? '';
    const path = `/admin/teams/${encodeURIComponent(team)}/users`;
    const body = { id, name: textOf(fields, 'name') ?? null };
    return madeOr(ask<UserRecord>(path, { method: 'POST', body }), () =>
      ask<UserRecord>(`${path}/${encodeURIComponent(id)}`),
    );
  };
}

function issue(team: string, user: string) {
  return (fields: FormData): Promise<Answer<IssuedToken>> =>
    ask<IssuedToken>(`/admin/teams/${encodeURIComponent(team)}/tokens`, {
      method: 'POST',
      body: { user, name: 'first token', claim: textOf(fields, 'handover') === 'link' },
    });
}

function LimitStep({ team, done }: { team: string; done: () => void }): View {
  const path = `/admin/teams/${encodeURIComponent(team)}`;
  const [metric, setMetric] = useState('tokens');
  /** Keeps the limits that a team has already. */
  const add = async (fields: FormData): Promise<Answer<TeamRecord>> => {
    const before = await ask<TeamRecord>(path);
    if (!before.ok) return before;
    const limits = [...before.value.limits, limitIn(fields)];
    return ask<TeamRecord>(path, { method: 'PATCH', body: { limits }, etag: before.etag });
  };
  return html`<p>
      All tokens of the team share it. Without a limit, the team may use all that the upstream gives.
    </p>
    <${Form} action="Set the limit" send=${add} done=${done} cancel=${done} cancelText="Without a limit">
      <${LimitFields}
        limit=${{ metric: 'tokens', window: 'day', max: 100_000 }}
        metric=${metric}
        setMetric=${setMetric}
      />
    <//>`;
}

function Invite({ issued, again }: { issued: IssuedToken; again: () => void }): View {
  const { claim_url: link = '', claim_expires_at: until = null, user } = issued;
  return html`<${Secret} text=${link}
      >Send this link to ${user}. It shows the token once, and works until <${Time} at=${until} />.<//
    >
    <p>
      ${user} opens it, copies the token, and signs in at <code>${location.origin}/console</code> with it: the
      playground there gives a first answer.
    </p>
    <p><button type="button" onClick=${again}>Issue one to try it yourself</button></p>`;
}
