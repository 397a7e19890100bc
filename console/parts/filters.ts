import { useEffect, useState } from 'preact/hooks';
import { html, type View } from '../html.ts';
import { type Route, setQuery } from '../router.ts';

/* Filters of a view. They stand in its address, so that a link shows the same. */

interface FilterProps {
  route: Route;
  name: string;
  label: string;
}

const settledAfterMs = 300;

/** A text to search for; it applies when the typing stops. */
export function TextFilter({ route, name, label, type = 'search' }: FilterProps & { type?: string }): View {
  const given = route.query.get(name) ?? '';
  const [text, setText] = useState(given);
  useEffect(() => setText((typed) => (typed.trim() === given ? typed : given)), [given]);
  useEffect(() => {
    if (text.trim() === given) return;
    const timer = setTimeout(() => setQuery(route, { [name]: text.trim() }), settledAfterMs);
    return () => clearTimeout(timer);
  }, [text, route]); // another filter may have changed meanwhile
  const typed = (event: Event): void => {
    if (event.currentTarget instanceof HTMLInputElement) setText(event.currentTarget.value);
  };
  return html`<label class="filter">
    <span>${label}</span>
    <input type=${type} name=${name} value=${text} onInput=${typed} autocomplete="off" spellcheck=${false} />
  </label>`;
}

interface ChoiceFilterProps extends FilterProps {
  options: readonly (readonly [value: string, label: string])[];
}

/** One of several values; the first option is what applies without one. */
export function ChoiceFilter({ route, name, label, options }: ChoiceFilterProps): View {
  const given = route.query.get(name) ?? options[0]?.[0] ?? '';
  const changed = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLSelectElement)) return;
    const { value } = event.currentTarget;
    setQuery(route, { [name]: value === options[0]?.[0] ? '' : value });
  };
  return html`<label class="filter">
    <span>${label}</span>
    <select name=${name} onChange=${changed}>
      ${options.map(([value, text]) => html`<option value=${value} selected=${value === given}>${text}</option>`)}
    </select>
  </label>`;
}
