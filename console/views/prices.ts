import { useState } from 'preact/hooks';
import { ask, type Page as Rows } from '../api.ts';
import { useReading } from '../data.ts';
import { usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog, useConfirm } from '../parts/dialog.ts';
import { Field, Form, textOf } from '../parts/form.ts';
import { notify } from '../parts/notice.ts';
import { Page } from '../parts/page.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { mayChangeGateway, useSession } from '../session.ts';

const parts = [
  ['usd_per_million_input_tokens', 'Input', 'a million tokens'],
  ['usd_per_million_cache_read_tokens', 'Read from the cache', 'a million tokens'],
  ['usd_per_million_cache_write_tokens', 'Written to the cache', 'a million tokens'],
  ['usd_per_million_output_tokens', 'Output', 'a million tokens'],
  ['usd_per_image', 'Image', 'an image'],
  ['usd_per_search', 'Search', 'a search'],
] as const;
type Part = (typeof parts)[number][0];

/** The parts of a price that a kind of model has. */
const partsOf: Readonly<Record<string, readonly Part[]>> = {
  chat: [
    'usd_per_million_input_tokens',
    'usd_per_million_output_tokens',
    'usd_per_million_cache_read_tokens',
    'usd_per_million_cache_write_tokens',
  ],
  embeddings: ['usd_per_million_input_tokens'],
  images: ['usd_per_image'],
  rerank: ['usd_per_search'],
};

type Price = { source: 'api' | 'file'; from: string | null } & Partial<Record<Part, number>>;

interface ModelPrices {
  model: string;
  kind: string | null;
  in_force: Price | null;
  to_come: Price[];
  set: object[];
}

/** What models cost: by the catalogue, and by what was set here. */
export function Prices(): View {
  const session = useSession();
  const { value, problem, isLoading, reload } = useReading<Rows<ModelPrices>>('/admin/prices');
  const [changed, setChanged] = useState<ModelPrices | null>(null);
  const { asking, confirm } = useConfirm();
  const mayChange = mayChangeGateway(session);
  const clear = ({ model }: ModelPrices): void =>
    confirm({
      title: 'Take the set price back?',
      text: `The price of ${model} is that of the catalogue again. What requests have cost stays.`,
      action: 'Take it back',
      run: () => ask(pathOf(model), { method: 'DELETE' }),
      done: () => {
        reload();
        notify({ text: `The price of ${model} is that of the catalogue again.` });
      },
    });
  const columns: Column<ModelPrices>[] = [
    { title: 'Model', cell: ({ model }) => html`<code>${model}</code>` },
    { title: 'Kind', cell: ({ kind }) => kind ?? 'not in the catalogue', isExtra: true },
    { title: 'Price now', cell: ({ in_force: price }) => html`<${PriceText} price=${price} />` },
    {
      title: 'To come',
      cell: ({ to_come: prices }) =>
        prices.map((price) => html`<div><${Time} at=${price.from} />: <${PriceText} price=${price} /></div>`),
      isExtra: true,
    },
    {
      title: 'Actions',
      cell: (each) =>
        mayChange
          ? html`<span class="actions">
              <button
                type="button"
                class="plain"
                aria-label=${`Set the price of ${each.model}`}
                onClick=${() => setChanged(each)}
              >
                Set
              </button>
              ${each.set.length > 0 ? html`<button type="button" class="plain" aria-label=${`Take the price of ${each.model} back`} onClick=${() => clear(each)}>Take back</button>` : null}
            </span>`
          : '',
    },
  ];
  return html`<${Page} title="Prices">
    ${asking}
    <p class="quiet">
      US dollars for a million tokens, for an image, or for a search. A model without a price is not free: its
      cost is unknown, and tokens with a limit in dollars cannot use it.
    </p>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      <div class="list">
        <${Table}
          label="Prices"
          columns=${columns}
          rows=${value?.data ?? []}
          none="The catalogue has no models"
        />
      </div>
    <//>
    ${changed && html`<${SetPrice} of=${changed} close=${() => setChanged(null)} done=${reload} />`}
  <//>`;
}

function pathOf(model: string): string {
  return `/admin/prices/${encodeURIComponent(model)}`;
}

function PriceText({ price }: { price: Price | null }): View {
  if (price === null) return html`<span class="mark near">unpriced</span>`;
  const known = parts.filter(([part]) => price[part] !== undefined);
  return html`${known.map(([part, name, unit], at) => html`${at > 0 ? ', ' : ''}<span title=${`for ${unit}`}>${name.toLowerCase()} ${usd(price[part] ?? 0)}</span>`)}
  ${price.source === 'api' ? html` <span class="mark">set here</span>` : null}`;
}

function SetPrice({ of, close, done }: { of: ModelPrices; close: () => void; done: () => void }): View {
  const shown = partsOf[of.kind ?? 'chat'] ?? [];
  const send = (fields: FormData) => {
    const amounts = shown.flatMap((part) => {
      const text = textOf(fields, part);
      return text === undefined ? [] : [[part, Number(text)] as const];
    });
    const from = textOf(fields, 'from');
    const price = { ...(from === undefined ? {} : { from }), ...Object.fromEntries(amounts) };
    return ask<ModelPrices>(pathOf(of.model), { method: 'PUT', body: { prices: [price] } });
  };
  const set = (): void => {
    close();
    done();
    notify({ text: `The price of ${of.model} was set.` });
  };
  return html`<${Dialog} title=${`Set the price of ${of.model}`} close=${close}>
    <${Form} action="Set the price" send=${send} done=${set} cancel=${close}>
      ${parts
        .filter(([part]) => shown.includes(part))
        .map(
          ([part, name, unit]) =>
            html`<${Field}
              name=${part}
              label=${`${name}, for ${unit}`}
              type="number"
              value=${String(of.in_force?.[part] ?? '')}
              step="any"
              min="0"
            />`,
        )}
      <${Field}
        name="from"
        label="From"
        type="date"
        hint="Midnight UTC. Empty: from now on. It replaces a price that is to come."
      />
    <//>
  <//>`;
}
