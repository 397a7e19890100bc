import { html, type View } from './html.ts';
import { Page } from './parts/page.ts';
import { Empty } from './parts/state.ts';
import type { Route } from './router.ts';
import type { Session } from './session.ts';
import { Overview } from './views/overview.ts';
import { Sessions } from './views/sessions.ts';
import { Team } from './views/team.ts';
import { Teams } from './views/teams.ts';
import { Tokens } from './views/tokens.ts';
import { TokenView } from './views/token.ts';
import { UserView } from './views/user.ts';

/** The view at a route: one table for all of them. */
export function viewOf(route: Route, session: Session): View {
  const [first = '', second, third, fourth] = route.parts;
  const of = { key: route.parts.join('/'), route };
  if (session.kind === 'token') {
    switch (first) {
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
      return nowhere();
    case 'tokens':
      return html`<${Tokens} ...${of} />`;
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
