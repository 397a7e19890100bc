import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

/** What a component shows. */
export type View = VNode | VNode[];
export type Children = ComponentChildren;

/** Markup as a tagged template; texts in it are always text. */
export const html: (strings: TemplateStringsArray, ...values: unknown[]) => View = htm.bind(h);
