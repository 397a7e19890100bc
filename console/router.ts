import { useEffect, useState } from 'preact/hooks';

/* Where one is: the fragment of the address, such as `#/teams/acme?tab=tokens`. No server learns of it. */

export interface Route {
  /** `['teams', 'acme']` */
  parts: readonly string[];
  query: URLSearchParams;
}

/** The code of a link from a terminal, which signs in; null if the address has none. */
export function linkCode(): string | null {
  return /^#link=([0-9a-f]{40})$/.exec(location.hash)?.[1] ?? null;
}

/** The route in a fragment. Pure. */
export function routeIn(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2);
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decoded(part));
  return { parts, query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view, for a link. Pure. */
export function hrefTo(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

/** Goes to a view. `replace`: the view before is not one to go back to. */
export function goTo(href: string, { replace = false } = {}): void {
  if (replace) location.replace(href);
  else location.hash = href;
}

/** The route now, and whenever it changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeIn(location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(routeIn(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

/** Changes parameters of the view that is shown, such as a filter. Empty ones go. */
export function setQuery({ parts, query }: Route, changed: Readonly<Record<string, string>>): void {
  goTo(hrefTo(parts, { ...Object.fromEntries(query), ...changed }), { replace: true });
}
