import { z } from 'zod';
import { label } from '../base/fields.ts';
import { invalidBody, Refusal } from '../base/refusal.ts';
import { parsedJson } from '../base/request.ts';
import { mostSorted, type Order, type Position, recordPage } from '../identity/operations/record-page.ts';
import type { RecordSource } from '../identity/operations/record-source.ts';
import { pageParameters } from '../reports/parameters.ts';
import { defaultLimit } from './report-docs.ts';

/* Lists of records as pages: what they are asked with, and the cursor that continues them. */

const orders = ['id', 'created_at', '-created_at'] as const;
const ordersOfTokens = [...orders, 'last_used', '-last_used'] as const;
type OrderName = (typeof ordersOfTokens)[number];

export const pageOfTokens = parametersOf(ordersOfTokens);
export const pageOfRecords = parametersOf(orders);

function parametersOf<Name extends OrderName>(names: readonly Name[]) {
  return {
    limit: pageParameters.limit,
    cursor: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,400}$/, 'must be the next_cursor of an earlier answer')
      .exactOptional(),
    q: label()
      .min(1, 'must not be empty')
      .max(100, 'must have at most 100 characters')
      .meta({ description: 'Only those with this in their id, name or e-mail address, in whatever case.' })
      .exactOptional(),
    sort: z
      .enum(names, `must be one of ${names.join(', ')}`)
      .meta({ description: 'Default: id. With a minus the latest is first.' })
      .exactOptional(),
  };
}

/** What a page is asked with. */
export interface AskedPage {
  limit?: number | undefined;
  cursor?: string | undefined;
  q?: string | undefined;
  sort?: OrderName | undefined;
}

/** Whether a request asks for a page. Without any of these parameters it asks for the whole list. */
export function asksForPage({ limit, cursor, q, sort }: AskedPage): boolean {
  return [limit, cursor, q, sort].some((given) => given !== undefined);
}

/** A record of a list. */
export interface Named {
  id: string;
  name: string | null;
  email?: string | null;
  created_at: string;
}

/** The records that a list is made of. */
export interface Listed<R> {
  source: RecordSource<R>;
  /** Those that are listed; absent or null: all of them. */
  only?: ((record: R) => boolean) | null;
  /** When each was used last, as texts that sort as the times do; absent: the list is not sorted by that. */
  lastUses?: Order<R>['valuesOf'];
}

/** A page of a list, with the cursor of the next one. */
export async function pageOf<R extends Named>(
  { source, only = null, lastUses = createdAt }: Listed<R>,
  { limit = defaultLimit, cursor, q, sort = 'id' }: AskedPage,
): Promise<{ data: R[]; next_cursor: string | null } | Refusal> {
  const after = cursor === undefined ? null : positionIn(cursor, sort);
  if (after instanceof Refusal) return after;
  const passes = both(only, q === undefined ? null : nameFilter(q));
  const page = await recordPage(source, { limit, after, order: orderOf(sort, lastUses), passes });
  if (page === null) return tooManyToSort();
  const { data, next } = page;
  return { data, next_cursor: next && cursorText([sort, next.value, next.id]) };
}

function orderOf<R extends Named>(name: OrderName, lastUses: Order<R>['valuesOf']): Order<R> | null {
  switch (name) {
    case 'id':
      return null;
    case 'created_at':
    case '-created_at':
      return { valuesOf: createdAt, descending: name === '-created_at' };
    case 'last_used':
    case '-last_used':
      return { valuesOf: lastUses, descending: name === '-last_used' };
  }
}

function createdAt(records: readonly Named[]): string[] {
  return records.map((record) => record.created_at);
}

/** Whether a record has a text in its id, its name or its address. */
export function nameFilter(text: string): (record: Omit<Named, 'created_at'>) => boolean {
  const part = folded(text);
  return ({ id, name, email }) => [id, name, email].some((each) => each && folded(each).includes(part));
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

type Filter<R> = ((record: R) => boolean) | null;

function both<R>(one: Filter<R>, other: Filter<R>): Filter<R> {
  if (one === null || other === null) return one ?? other;
  return (record) => one(record) && other(record);
}

/** A cursor is opaque to callers. Here it is what the page before ended with. */
export function cursorText(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The parts of a cursor; none if it is not one. */
export function cursorParts(text: string): string[] {
  const parts = parsedJson(Buffer.from(text, 'base64url').toString());
  return Array.isArray(parts) ? parts.map(String) : [];
}

function positionIn(cursor: string, sort: OrderName): Position | Refusal {
  const [name, value, id] = cursorParts(cursor);
  return name === sort && value !== undefined && id !== undefined ? { value, id } : wrongCursor();
}

export function wrongCursor(): Refusal {
  const message = 'cursor must be the next_cursor of an answer to the same list, sorted alike.';
  return invalidBody([{ param: 'cursor', message }], 'invalid_request');
}

function tooManyToSort(): Refusal {
  const message = `sort must be id, or left out: there are more than ${mostSorted} records.`;
  return invalidBody([{ param: 'sort', message }], 'invalid_request');
}
