import { useEffect, useState } from 'preact/hooks';
import { html, type View } from './html.ts';
import { hrefTo, type Route } from './router.ts';
import { mayChangeGateway, mayReadGateway, type Session } from './session.ts';

interface NavProps {
  route: Route;
  session: Session;
  version: string;
  signOut: () => void;
}

type Item = readonly [label: string, part: string];

/** What a role has something to see at. */
function itemsFor(session: Session): readonly (readonly [title: string, items: readonly Item[]])[] {
  if (session.kind === 'token') {
    return [
      [
        'Yours',
        [
          ['My page', ''],
          ['Playground', 'playground'],
          ['Sessions', 'sessions'],
        ],
      ],
    ];
  }
  const gateway = mayReadGateway(session);
  const more = (items: readonly Item[], shown: boolean): readonly Item[] => (shown ? items : []);
  return [
    [
      'People',
      [
        ['Overview', ''],
        ['Teams', 'teams'],
        ['Tokens', 'tokens'],
        ...more([['First steps', 'start']], mayChangeGateway(session)),
      ],
    ],
    [
      'Records',
      [
        ['Usage', 'usage'],
        ['Requests', 'requests'],
        ['Refusals', 'refusals'],
        ...more([['Audit', 'audit']], gateway),
      ],
    ],
    [
      'Gateway',
      [
        ...more(
          [
            ['Upstreams', 'upstreams'],
            ['Prices', 'prices'],
            ['Webhooks', 'webhooks'],
            ['Settings', 'settings'],
          ],
          gateway,
        ),
        ...more(
          [
            ['Administrators', 'admins'],
            ['Backup', 'backup'],
          ],
          session.role === 'root',
        ),
        ['Sessions', 'sessions'],
      ],
    ],
  ];
}

/** The navigation: at the side, or behind a button on narrow screens. */
export function Nav({ route, session, version, signOut }: NavProps): View {
  const [isOpen, setOpen] = useState(false);
  const [here = ''] = route.parts;
  useEffect(() => setOpen(false), [route]);
  const link = ([label, part]: Item) =>
    html`<li>
      <a href=${hrefTo(part === '' ? [] : [part])} aria-current=${part === here ? 'page' : undefined}
        >${label}</a
      >
    </li>`;
  return html`<header class="nav">
    <div class="brand">
      <a href="#/">Tollgate</a>
      <button
        type="button"
        class="menu"
        aria-expanded=${String(isOpen)}
        aria-controls="menu"
        onClick=${() => setOpen(!isOpen)}
      >
        Menu
      </button>
    </div>
    <div id="menu" class=${isOpen ? 'open' : ''}>
      <nav aria-label="Console">
        ${itemsFor(session).map(
          ([title, items]) =>
            html`<h2>${title}</h2>
              <ul>
                ${items.map(link)}
              </ul>`,
        )}
      </nav>
      <div class="who">
        <p title=${session.id}>
          <strong>${nameOf(session)}</strong><br /><span class="quiet">${roleOf(session)}</span>
        </p>
        <p class="quiet"><a href="/docs">API reference</a> · ${version}</p>
        <button type="button" onClick=${signOut}>Sign out</button>
      </div>
    </div>
  </header>`;
}

function nameOf({ kind, id, name, user }: Session): string {
  if (kind === 'root') return 'root';
  return name ?? user ?? id;
}

function roleOf({ kind, role, teams, team }: Session): string {
  if (kind === 'root') return 'has ADMIN_KEY';
  if (kind === 'token') return `team ${team ?? ''}`;
  return teams === null
    ? role
    : `${role} of ${teams.length > 3 ? `${teams.length} teams` : teams.join(', ')}`;
}
