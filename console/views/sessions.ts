import { ask, type Page as Rows } from '../api.ts';
import { useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import { notify } from '../parts/notice.ts';
import { Page } from '../parts/page.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';

interface ConsoleSession {
  id: string;
  browser: string;
  opened_at: string;
  used_at: string;
  ends_at: string;
  is_this: boolean;
}

/** Where one is signed in to the console, and a way to end it. */
export function Sessions(): View {
  const reading = useReading<Rows<ConsoleSession>>('/sessions');
  const end = async ({ id }: ConsoleSession): Promise<void> => {
    const answer = await ask(`/sessions/${id}`, { method: 'DELETE' });
    notify(answer.ok ? { text: 'The session has ended.' } : { text: answer.problem.message, isBad: true });
    reading.reload();
  };
  const columns: Column<ConsoleSession>[] = [
    {
      title: 'Browser',
      cell: ({ browser, is_this: isThis }) => `${browserName(browser)}${isThis ? ' (this one)' : ''}`,
    },
    { title: 'Signed in', cell: ({ opened_at: at }) => html`<${Time} at=${at} />` },
    { title: 'Last used', cell: ({ used_at: at }) => html`<${Time} at=${at} relative />`, isExtra: true },
    { title: 'Ends', cell: ({ ends_at: at }) => html`<${Time} at=${at} />` },
    {
      title: 'Actions',
      cell: (each) =>
        each.is_this ? '' : html`<button type="button" onClick=${() => void end(each)}>End</button>`,
    },
  ];
  const { value, problem, isLoading, reload } = reading;
  return html`<${Page} title="Sessions of the console" reload=${reload}>
    <p class="quiet">
      A session lasts eight hours at most, and ends after an hour without use. Ending it signs that browser
      out at once.
    </p>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      <div class="list">
        <${Table} label="Your sessions" columns=${columns} rows=${value?.data ?? []} />
      </div>
    <//>
  <//>`;
}

const browsers = ['Edg/', 'Firefox/', 'Chrome/', 'Safari/'];
/** Android says that it is Linux, and iPhones that they are like Mac OS X. */
const systems = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS X', 'Linux'];
const names: Readonly<Record<string, string>> = { 'Edg/': 'Edge', 'Mac OS X': 'macOS' };

/** What people call a browser, from what it calls itself. Pure. */
export function browserName(agent: string): string {
  const [browser, system] = [browsers, systems].map((known) => known.find((mark) => agent.includes(mark)));
  if (browser === undefined) return agent === '' ? 'Unknown' : agent.slice(0, 40);
  const name = names[browser] ?? browser.slice(0, -1);
  return system === undefined ? name : `${name} on ${names[system] ?? system}`;
}
