import { withQuery } from '../api.ts';
import { type List, useList } from '../data.ts';
import { html } from '../html.ts';
import type { Column } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo } from '../router.ts';
import { type FoundToken, StateMark } from './records.ts';

export type TokenList = List<FoundToken>;

/** The tokens of a team, or of one of its users. */
export function useTokens(team: string, user?: string): TokenList {
  return useList<FoundToken>(withQuery('/admin/tokens', { team, user }));
}

/** The columns of a list of tokens. */
export function tokenColumns({ withTeam }: { withTeam: boolean }): Column<FoundToken>[] {
  const team: Column<FoundToken> = {
    title: 'Team',
    cell: ({ team: id }) => html`<a href=${hrefTo(['teams', id])}>${id}</a>`,
  };
  return [
    {
      title: 'Token',
      cell: ({ team: of, id, prefix }) =>
        html`<a href=${hrefTo(['teams', of, 'tokens', id])}
          ><code>${prefix === '' ? id : `${prefix}…`}</code></a
        >`,
    },
    { title: 'Name', cell: ({ name }) => html`<bdi>${name ?? ''}</bdi>`, isExtra: true },
    ...(withTeam ? [team] : []),
    {
      title: 'User',
      cell: ({ team: of, user }) => html`<a href=${hrefTo(['teams', of, 'users', user])}>${user}</a>`,
    },
    { title: 'State', cell: ({ state }) => html`<${StateMark} state=${state} />` },
    { title: 'Last used', cell: ({ last_used_at: at }) => html`<${Time} at=${at} none="never" relative />` },
    {
      title: 'Expires',
      cell: ({ expires_at: at }) => html`<${Time} at=${at} none="never" />`,
      isExtra: true,
    },
  ];
}
