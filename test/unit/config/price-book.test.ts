import { describe, expect, it } from 'vitest';
import { type Catalogue, parseCatalogue } from '../../../src/config/catalogue.ts';
import { PriceBook } from '../../../src/config/price-book.ts';

const chat = (input: number, output = 10) => ({
  usd_per_million_input_tokens: input,
  usd_per_million_output_tokens: output,
});

function catalogue(): Catalogue {
  const models = {
    priced: { kind: 'chat', price: [chat(1), { from: '2026-06-01', ...chat(2) }] },
    unpriced: { kind: 'chat' },
  };
  const made = parseCatalogue(JSON.stringify({ models }));
  if (!made.ok) throw new Error(made.problems.join(' '));
  return made.catalogue;
}

const at = (day: string): number => Date.parse(day);

describe('a book of prices', () => {
  const inputAt = (book: PriceBook, model: string, day: string): number | null =>
    book.price(model, at(day))?.inputNanoUsd ?? null;

  it("has the catalogue's, as long as none are set", () => {
    const book = new PriceBook(catalogue());
    expect(inputAt(book, 'priced', '2026-01-01')).toBe(1_000);
    expect(inputAt(book, 'priced', '2026-06-01')).toBe(2_000);
    expect(inputAt(book, 'unpriced', '2026-06-01')).toBeNull();
    expect(inputAt(book, 'constructor', '2026-06-01')).toBeNull();
  });

  it("has set ones from the first of them on, before that the catalogue's, and not those after", () => {
    const book = new PriceBook(catalogue());
    book.take([
      {
        id: 'priced',
        prices: [
          { from: '2026-03-01T00:00:00.000Z', ...chat(5) },
          { from: '2027-01-01T00:00:00.000Z', ...chat(6) },
        ],
      },
      { id: 'unpriced', prices: [{ from: '2026-03-01T00:00:00.000Z', ...chat(7) }] },
    ]);
    expect(inputAt(book, 'priced', '2026-02-28')).toBe(1_000);
    expect(inputAt(book, 'priced', '2026-03-01')).toBe(5_000);
    expect(inputAt(book, 'priced', '2026-06-02')).toBe(5_000);
    expect(inputAt(book, 'priced', '2027-01-01')).toBe(6_000);
    expect(inputAt(book, 'unpriced', '2026-02-28')).toBeNull();
    expect(inputAt(book, 'unpriced', '2026-03-01')).toBe(7_000);
  });

  it('forgets those that are taken back, and has none of a model that the catalogue does not know', () => {
    const book = new PriceBook(catalogue());
    book.take([
      { id: 'priced', prices: [{ from: '2026-01-01T00:00:00.000Z', ...chat(5) }] },
      { id: 'gone', prices: [{ from: '2026-01-01T00:00:00.000Z', ...chat(5) }] },
    ]);
    expect(inputAt(book, 'priced', '2026-01-01')).toBe(5_000);
    expect(inputAt(book, 'gone', '2026-01-01')).toBeNull();
    book.take([]);
    expect(inputAt(book, 'priced', '2026-01-01')).toBe(1_000);
  });
});
