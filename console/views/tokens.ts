import { withQuery } from '../api.ts';
import { useList } from '../data.ts';
import { dayBefore } from '../format.ts';
import { html, type View } from '../html.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Page } from '../parts/page.ts';
import { ListTable } from '../parts/table.ts';
import type { Route } from '../router.ts';
import type { FoundToken } from './records.ts';
import { tokenColumns } from './token-list.ts';

/** The tokens of all teams that one may see. */
export function Tokens({ route }: { route: Route }): View {
  const { query } = route;
  const unusedDays = query.get('unused');
  const withinDays = query.get('ends');
  const list = useList<FoundToken>(
    withQuery('/admin/tokens', {
      q: query.get('q'),
      team: query.get('team'),
      state: query.get('state'),
      unused_since: unusedDays ? dayBefore(Date.now(), Number(unusedDays)) : null,
      expires_within: withinDays ? Number(withinDays) * 86_400 : null,
    }),
  );
  return html`<${Page} title="Tokens" reload=${list.reload}>
    <div class="filters">
      <${TextFilter} route=${route} name="q" label="Search" />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${ChoiceFilter} route=${route} name="state" label="State" options=${states} />
      <${ChoiceFilter} route=${route} name="unused" label="Not used for" options=${unused} />
      <${ChoiceFilter} route=${route} name="ends" label="Expires within" options=${ends} />
    </div>
    <${ListTable}
      label="Tokens"
      columns=${tokenColumns({ withTeam: true })}
      list=${list}
      none="No token matches"
    />
  <//>`;
}

const states = [
  ['', 'any'],
  ['working', 'working'],
  ['suspended', 'suspended'],
  ['expired', 'expired'],
  ['revoked', 'revoked'],
] as const;
const unused = [
  ['', 'any time'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;
const ends = [
  ['', 'any time'],
  ['7', '7 days'],
  ['30', '30 days'],
] as const;
