import type { Dashboard, Panel } from '../test/support/operations.ts';
import { content, escaped, type Found, type Span } from './draw-panel.ts';

/* Draws a dashboard from its JSON and what its queries found: as Grafana would, as far as a picture needs it. */

const columnPx = 64;
const rowPx = 36;
const gapPx = 8;

/** A page that shows a dashboard with what its queries found. */
export function draw(
  dashboard: Dashboard,
  found: ReadonlyMap<Panel, Found>,
  span: Span,
  caption: string,
): string {
  const height = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h)) * rowPx;
  const panels = dashboard.panels.map((panel) => drawPanel(panel, found.get(panel) ?? [], span)).join('');
  return `<!doctype html><meta charset="utf-8"><style>${style}</style><body style="width:${24 * columnPx + gapPx}px">
<h1>${escaped(dashboard.title)}</h1><p>${escaped(caption)}</p>
<main style="height:${height}px">${panels}</main>`;
}

function drawPanel(panel: Panel, found: Found, span: Span): string {
  const { x, y, w, h } = panel.gridPos;
  const place = `left:${x * columnPx}px;top:${y * rowPx}px;width:${w * columnPx - gapPx}px;height:${h * rowPx - gapPx}px`;
  if (panel.type === 'row') return `<h2 style="${place}">${escaped(panel.title)}</h2>`;
  const size = { width: w * columnPx - gapPx - 20, height: h * rowPx - gapPx - 38 };
  return `<section style="${place}"><h3>${escaped(panel.title)}</h3>${content(panel, found, { ...size, ...span })}</section>`;
}

const style = `
:root { color-scheme: light dark; --text: light-dark(#24292e, #d8d9da); --page: light-dark(#f4f5f5, #111217);
  --panel: light-dark(#fff, #181b1f); --line: light-dark(#e4e5e8, #2c3036); --dim: light-dark(#60666c, #9fa7b3); }
body { margin: 0; padding: 12px 12px 4px; background: var(--page); color: var(--text); font: 13px Inter, Helvetica, Arial, sans-serif; }
h1 { font-size: 20px; margin: 0; } p { margin: 2px 0 12px; color: var(--dim); }
main { position: relative; }
h2 { position: absolute; margin: 0; font-size: 15px; line-height: ${rowPx}px; }
section { position: absolute; box-sizing: border-box; background: var(--panel); border: 1px solid var(--line); border-radius: 3px; overflow: hidden; padding: 6px 10px; }
h3 { margin: 0 0 6px; font-size: 13px; font-weight: 600; }
section > svg { display: block; } section:has(.stat) svg { position: absolute; bottom: 0; }
.stat { position: absolute; left: 0; right: 0; top: 40%; text-align: center; font-size: 30px; font-weight: 600; }
.grid line { stroke: var(--line); } .grid text { fill: var(--dim); font-size: 11px; }
.limit { stroke: #e02f44; stroke-dasharray: 6 4; }
.legend { display: flex; gap: 4px 14px; height: 18px; overflow: hidden; flex-wrap: wrap; font-size: 12px; color: var(--dim); }
.legend span { white-space: nowrap; } .legend i { display: inline-block; width: 14px; height: 3px; margin-right: 5px; vertical-align: middle; }
table { width: 100%; border-collapse: collapse; } td, th { text-align: left; padding: 5px 8px; border-bottom: 1px solid var(--line); }
.number { text-align: right; } .bars td { border: 0; padding: 4px 6px; white-space: nowrap; }
.bar { width: 60%; } .bar i { display: block; height: 16px; border-radius: 2px; }
.none { text-align: center; padding-top: 30px; font-size: 15px; }
`;
