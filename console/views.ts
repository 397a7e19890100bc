import { html, type View } from './html.ts';
import { Page } from './parts/page.ts';
import { Empty } from './parts/state.ts';
import type { Route } from './router.ts';
import type { Session } from './session.ts';
import { Administrators } from './views/administrators.ts';
import { Audit } from './views/audit.ts';
import { Backup } from './views/backup.ts';
import { MyPage } from './views/me.ts';
import { Overview } from './views/overview.ts';
import { Playground } from './views/playground.ts';
import { Prices } from './views/prices.ts';
import { Refusals } from './views/refusals.ts';
import { Requests } from './views/requests.ts';
import { Sessions } from './views/sessions.ts';
import { Settings } from './views/settings.ts';
import { Start } from './views/start.ts';
import { Team } from './views/team.ts';
import { Teams } from './views/teams.ts';
import { Tokens } from './views/tokens.ts';
import { TokenView } from './views/token.ts';
import { Upstreams } from './views/upstreams.ts';
import { Usage } from './views/usage.ts';
import { UserView } from './views/user.ts';
import { WebhookView } from './views/webhook.ts';
import { Webhooks } from './views/webhooks.ts';

/** The view at a route: one table for all of them. */
export function viewOf(route: Route, session: Session): View {
  const [first = '', second, third, fourth] = route.parts;
  const of = { key: route.parts.join('/'), route };
  if (session.kind === 'token') {
    switch (first) {
      case '':
        return html`<${MyPage} />`;
      case 'playground':
        return html`<${Playground} />`;
      case 'sessions':
        return html`<${Sessions} />`;
      default:
        return nowhere();
    }
  }
  switch (first) {
    case '':
      return html`<${Overview} ...${of} />`;
    case 'teams':
      if (second === undefined) return html`<${Teams} ...${of} />`;
      if (third === undefined) return html`<${Team} ...${of} team=${second} />`;
      if (third === 'users' && fourth) return html`<${UserView} ...${of} team=${second} user=${fourth} />`;
      if (third === 'tokens' && fourth) return html`<${TokenView} ...${of} team=${second} id=${fourth} />`;
      if (third === 'webhooks' && fourth)
        return html`<${WebhookView} ...${of} team=${second} id=${fourth} />`;
      return nowhere();
    case 'tokens':
      return html`<${Tokens} ...${of} />`;
    case 'start':
      return html`<${Start} />`;
    case 'usage':
      return html`<${Usage} ...${of} />`;
    case 'requests':
      return html`<${Requests} ...${of} />`;
    case 'refusals':
      return html`<${Refusals} ...${of} />`;
    case 'audit':
      return html`<${Audit} ...${of} />`;
    case 'upstreams':
      return html`<${Upstreams} />`;
    case 'prices':
      return html`<${Prices} />`;
    case 'webhooks':
      if (second === undefined) return html`<${Webhooks} />`;
      return html`<${WebhookView} ...${of} team=${null} id=${second} />`;
    case 'settings':
      return html`<${Settings} />`;
    case 'admins':
      return html`<${Administrators} />`;
    case 'backup':
      return html`<${Backup} />`;
    case 'sessions':
      return html`<${Sessions} />`;
    default:
      return nowhere();
  }
}

function nowhere(): View {
  return html`<${Page} title="Nothing here">
    <${Empty} title="There is no such page"><a href="#/">Go to the first page</a><//>
  <//>`;
}
