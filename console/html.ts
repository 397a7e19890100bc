import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

/** What a component shows. */
export type View = VNode | VNode[];
export type Children = ComponentChildren;

type Tag = (strings: readonly string[], ...values: unknown[]) => View;

const tag = htm.bind(h) as Tag; // it never looks at `raw`
const spaced = new WeakMap<TemplateStringsArray, readonly string[]>();

/** Markup as a tagged template; texts in it are always text. A line end is a blank, as in HTML: htm itself drops it. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): View {
  let parts = spaced.get(strings);
  if (!parts) {
    parts = strings.map((part) => part.replace(/\s*\n\s*/g, ' '));
    spaced.set(strings, parts);
  }
  return tag(parts, ...values);
}
