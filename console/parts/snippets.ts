import { useState } from 'preact/hooks';
import { chatCalls, messagesCall, tokenVariable } from '../../src/claims/first-calls.ts';
import { html, type View } from '../html.ts';
import { Snippet } from './copy.ts';

/** First calls of a model, one client at a time. */
export function Snippets({ model }: { model: string }): View {
  const { origin } = location;
  const all = [
    ...chatCalls(origin, model),
    ...(model.startsWith('claude') ? [messagesCall(origin, model)] : []),
    { title: 'heroku config', text: herokuConfig(origin, model) },
  ];
  const [chosen, setChosen] = useState('');
  const shown = all.find(({ title }) => title === chosen) ?? all[0];
  return html`<div class="tabs" role="group" aria-label="Client">
      ${all.map(
        ({ title }) =>
          html`<button
            type="button"
            aria-pressed=${String(title === shown?.title)}
            onClick=${() => setChosen(title)}
          >
            ${title}
          </button>`,
      )}
    </div>
    <${Snippet} code=${shown?.text ?? ''} label=${shown?.title ?? ''} />`;
}

/** For an app that has used the attachment itself. */
function herokuConfig(origin: string, model: string): string {
  return `heroku config:set INFERENCE_URL=${origin} INFERENCE_KEY="$${tokenVariable}" INFERENCE_MODEL_ID=${model} -a your-app`;
}
