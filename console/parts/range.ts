import { dayBefore } from '../format.ts';
import { html, type View } from '../html.ts';
import { type Route, setQuery } from '../router.ts';

/** Whole UTC days, both included. */
export interface Range {
  from: string;
  to: string;
}

const presets = [
  ['0', 'Today'],
  ['6', 'Last 7 days'],
  ['29', 'Last 30 days'],
  ['89', 'Last 90 days'],
] as const;

/** The range in a view's address; so many days up to today if there is none. */
export function rangeOf({ query }: Route, days: number): Range {
  const now = Date.now();
  return { from: query.get('from') ?? dayBefore(now, days), to: query.get('to') ?? dayBefore(now, 0) };
}

/** Which days a report is of. */
export function RangeFilter({ route, range: { from, to } }: { route: Route; range: Range }): View {
  const now = Date.now();
  const today = dayBefore(now, 0);
  const chosen =
    to === today ? presets.find(([days]) => dayBefore(now, Number(days)) === from)?.[0] : undefined;
  const pick = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLSelectElement) || event.currentTarget.value === '') return;
    setQuery(route, { from: dayBefore(now, Number(event.currentTarget.value)), to: today });
  };
  const edge = (name: 'from' | 'to') => (event: Event) => {
    if (event.currentTarget instanceof HTMLInputElement && event.currentTarget.value !== '') {
      setQuery(route, { from, to, [name]: event.currentTarget.value });
    }
  };
  return html`<label class="filter">
      <span>Days (UTC)</span>
      <select onChange=${pick}>
        ${chosen === undefined ? html`<option value="" selected>as given</option>` : null}
        ${presets.map(([days, text]) => html`<option value=${days} selected=${days === chosen}>${text}</option>`)}
      </select>
    </label>
    <label class="filter"
      ><span>From</span><input type="date" value=${from} max=${to} onChange=${edge('from')}
    /></label>
    <label class="filter"
      ><span>To</span><input type="date" value=${to} min=${from} onChange=${edge('to')}
    /></label>`;
}
