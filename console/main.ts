import { render } from 'preact';
import { App } from './app.ts';
import { html } from './html.ts';
import type { Boot } from './session.ts';

const place = document.getElementById('console');
const boot = JSON.parse(document.getElementById('boot')?.textContent ?? '{}') as Boot; // the gateway wrote it
if (place) render(html`<${App} boot=${boot} />`, place);
