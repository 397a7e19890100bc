import { useEffect, useState } from 'preact/hooks';
import { type Answer, ask, type Problem, problemOf } from '../api.ts';
import { html, type View } from '../html.ts';
import { Field, Form, textOf } from '../parts/form.ts';
import { notify } from '../parts/notice.ts';
import { Failure } from '../parts/state.ts';
import { linkCode } from '../router.ts';
import type { Boot, Session } from '../session.ts';

interface SignInProps {
  /** Why one is no longer signed in; null: one was not. */
  message: string | null;
  boot: Pick<Boot, 'session' | 'version' | 'issuers'>;
  signedIn: (session: Session) => void;
}

type Opened = { session: Session | null };

/** The way in: an account at a provider, a credential, or a link from a terminal. */
export function SignIn({ message, boot, signedIn }: SignInProps): View {
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    document.title = 'Sign in · Tollgate';
    const code = linkCode();
    if (code === null) return;
    history.replaceState(null, '', '#/'); // the code works once, and need not be seen
    void openLink(code);
  }, []);

  function open(body: { credential: string } | { code: string }): Promise<Answer<Opened>> {
    return ask<Opened>('/session', { method: 'POST', body });
  }

  async function openLink(code: string): Promise<void> {
    const answer = await open({ code });
    if (answer.ok) return done(answer.value);
    if (boot.session === null) return setProblem(answer.problem);
    signedIn(boot.session); // who one was before
    notify({ text: answer.problem.message, isBad: true });
  }

  /** Asks again, for a browser may refuse the cookie: Safari does on plain http. */
  async function done({ session }: Opened): Promise<void> {
    const kept = await ask<Opened>('/session');
    if (session && kept.ok && kept.value.session) return signedIn(session);
    setProblem(
      problemOf(
        'The credential is good, but your browser did not keep the session. Open this page over https, or with another browser: some keep no secure cookies on http://localhost.',
      ),
    );
  }

  return html`<main class="sign-in">
    <h1>Tollgate</h1>
    <p class="quiet">The console of this gateway to Heroku Managed Inference.</p>
    ${message ? html`<p class="hint" role="status">${message}</p>` : null}
    ${problem ? html`<${Failure} problem=${problem} />` : null}
    ${
      boot.issuers.length > 0
        ? html`<p class="providers">
            ${boot.issuers.map(
              ({ label, href }) => html`<a class="button primary" href=${href}>Sign in with ${label}</a>`,
            )}
          </p>`
        : null
    }
    <${Form}
      action="Sign in"
      send=${(fields: FormData) => open({ credential: textOf(fields, 'credential') ?? '' })}
      done=${(value: Opened) => void done(value)}
    >
      <${Field}
        name="credential"
        label="Your credential"
        type="password"
        required
        autocomplete="current-password"
        hint="ADMIN_KEY, an administrator's token (tga_…), or your own token (tgk_…). It is sent once and not kept here."
      />
    <//>
    <details>
      <summary>Where do I find it?</summary>
      <p>
        <strong>ADMIN_KEY</strong> is in the Heroku Dashboard under Settings, Config Vars, or at a terminal:
        <code>heroku config:get ADMIN_KEY -a your-app</code>.
      </p>
      <p>
        <strong>A token</strong> comes from the administrator of this gateway, usually as a link that shows it
        once.
      </p>
    </details>
    <p class="quiet"><a href="/docs">API reference</a> · ${boot.version}</p>
  </main>`;
}
