import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ask, onSignedOut } from './api.ts';
import { html, type View } from './html.ts';
import { Nav } from './nav.ts';
import { Notices, notify } from './parts/notice.ts';
import { type Boot, type Session, SessionProvider } from './session.ts';
import { linkCode, useRoute } from './router.ts';
import { SignIn } from './views/sign-in.ts';
import { viewOf } from './views.ts';

/** By which the tabs of a browser tell each other of a sign-in or sign-out: they share one cookie. */
const tabs = new BroadcastChannel('tollgate-console');

function tellOtherTabs(): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin
  tabs.postMessage(null);
}

/** The whole page: the way in, or the navigation and a view. */
export function App({ boot }: { boot: Boot }): View {
  // Whoever opens a link from a terminal wants to be who it is for, whoever they are now.
  const [session, setSession] = useState(linkCode() === null ? boot.session : null);
  const [problem, setProblem] = useState(boot.problem);
  const [isAsking, setAsking] = useState(
    boot.isFromElsewhere && boot.session === null && boot.problem === null && linkCode() === null,
  );

  useEffect(() => {
    onSignedOut((message) => {
      setSession(null);
      setProblem((before) => before ?? message); // of several requests, the first knows why
    });
    const askWho = async (): Promise<void> => {
      const answer = await ask<{ session: Session | null }>('/session');
      if (answer.ok) setSession(answer.value.session);
      setAsking(false);
    };
    tabs.addEventListener('message', () => void askWho());
    // A link from another site opens the page without its cookie (SameSite=Strict): ask once more from here.
    if (isAsking) void askWho();
  }, []);

  useEffect(() => {
    const opened = (): void => {
      if (linkCode() !== null) location.reload();
    };
    addEventListener('hashchange', opened);
    return () => removeEventListener('hashchange', opened);
  }, []);

  const signedIn = (opened: Session): void => {
    setProblem(null);
    setSession(opened);
    tellOtherTabs();
  };
  const signOut = async (): Promise<void> => {
    const answer = await ask('/session', { method: 'DELETE' });
    if (!answer.ok) {
      return notify({ text: `You are still signed in: ${answer.problem.message}`, isBad: true });
    }
    setProblem(null);
    setSession(null);
    tellOtherTabs();
  };

  if (session === null && isAsking)
    return html`<main class="sign-in" aria-busy="true"><h1>Tollgate</h1></main>`;
  const shown =
    session === null
      ? html`<${SignIn} message=${problem} boot=${boot} signedIn=${signedIn} />`
      : html`<${SessionProvider} value=${session}>
          <${Frame}
            key=${session.id}
            session=${session}
            version=${boot.version}
            signOut=${() => void signOut()}
          />
        <//>`;
  // Always in the same place, so that a notice outlives the change from one to the other.
  return html`${shown}<${Notices} />`;
}

interface FrameProps {
  session: Session;
  version: string;
  signOut: () => void;
}

/** The navigation beside a view. The focus goes to the heading of a new view, so that it is read out. */
function Frame({ session, version, signOut }: FrameProps): View {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const where = route.parts.join('/');
  useLayoutEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else main.current?.querySelector('h1')?.focus();
    scrollTo(0, 0);
  }, [where]);
  return html`<a class="skip" href="#content" onClick=${toContent}>Skip to the content</a>
    <${Nav} route=${route} session=${session} version=${version} signOut=${signOut} />
    <main ref=${main} id="content" tabindex="-1">${viewOf(route, session)}</main>`;
}

function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
