import { counterField, toldCounter } from './counter-text.ts';
import type {
  Adjustment,
  AdmitRequest,
  AppliedLimit,
  Decision,
  KeyedEnd,
  LimitWatch,
  OpenRecord,
  Settled,
  Settlement,
} from './store.ts';
import type { Counter, Span } from './window.ts';

/*
 * A batch is one argument, and its reply is one text: each argument and each part of a reply is handled separately on the
 * way. Every request or settlement has one field per line. No field can contain a control character.
 */

const separator = '\u001e'; // "record separator" of ASCII
const watchesFollow = '\u001c'; // "file separator"

export function joined<Item>(batch: readonly Item[], textOf: (item: Item) => string): string {
  let text = '';
  for (const item of batch) text += text === '' ? textOf(item) : separator + textOf(item);
  return text;
}

export function linesOf(reply: unknown): string[] {
  return String(reply).split('\n');
}

const spanLetters: Readonly<Record<Span, string>> = {
  minute: 'm',
  hour: 'h',
  day: 'd',
  month: 'M',
  open: 'o',
};
/** Not every Lua reads `Infinity` as a number. */
const never = Number.MAX_SAFE_INTEGER;
const none: readonly never[] = [];

export function requestText(request: AdmitRequest): string {
  const { grant, team, epoch, notAfterMs, expiresAtMs, record, session, limits, attempts = none } = request;
  const { keyed = '' } = request;
  const notAfter = Math.floor(Math.min(notAfterMs, never));
  const expires = Math.min(expiresAtMs, never);
  let text = `${grant}\n${team}\n${epoch}\n${notAfter}\n${expires}\n${record}\n${session ?? ''}\n`;
  for (const { field, max, withLimit } of attempts) {
    text += `${field} ${max} ${withLimit === null ? '' : counterField(withLimit, 'minute')};`;
  }
  text += `\n${keyed}\n`;
  for (const limit of limits) {
    const { id, span, amount } = limit;
    text += `${counterField(id, span)}\n${spanLetters[span]}\n${amount}\n${maxText(limit)}\n`;
  }
  return text;
}

function maxText({ max, raises, observes }: AppliedLimit): string | number {
  if (raises === undefined && observes === undefined) return max;
  const added = (raises ?? none).map(({ by, untilMs }) => `+${by}<${untilMs}`);
  return `${max}${added.join('')}${observes ? '?' : ''}`;
}

export function settlementText(settlement: Settlement): string {
  const {
    grant,
    incarnation,
    team,
    adjustments,
    refundedTo = none,
    charges = '',
    keyed,
    closing,
  } = settlement;
  let text = `${grant}\n${incarnation}\n${team}\n`;
  for (const { field } of refundedTo) text += `${field};`;
  text += `\n${charges}\n${keyed === undefined ? '' : keyedText(keyed)}\n${adjustments.length}\n`;
  for (const { id, span, at, delta, charged, watch, usedAtMost } of adjustments) {
    text += `${counterField(id, span)}\n${at}\n${delta}\n${charged ?? 0}`;
    if (watch !== undefined) text += ` ${watch.least}${usedAtMost === undefined ? '' : ` ${usedAtMost}`}`;
    text += '\n';
  }
  if (!closing) return text;
  const { entry, totals } = closing;
  return `${text}${entry}\n${totals.day}\n${totals.dayEndsAtS}\n${totals.row}\n${totals.figures.join('\n')}\n`;
}

/** What the watches of a batch of settlements say, each once; `''` if there are none. */
export function watchesText(batch: readonly Settlement[]): string {
  let text = '';
  let said: Set<LimitWatch> | null = null;
  for (const { adjustments } of batch) {
    for (const { watch } of adjustments) {
      if (watch === undefined || said?.has(watch)) continue;
      text += said === null ? `${watchesFollow}\n${watch.text}\n` : `${watch.text}\n`;
      said ??= new Set();
      said.add(watch);
    }
  }
  return text;
}

const keyedLetters = { free: 'f', broken: 'b', answered: 'k', items: 'i' } as const;

function keyedText({ key, as, attempt, answer }: KeyedEnd): string {
  return `${key} ${keyedLetters[as]} ${attempt} ${answer}`;
}

export function textWithoutAnswer(settlement: Settlement): string {
  const { keyed } = settlement;
  return settlementText(keyed ? { ...settlement, keyed: { ...keyed, answer: '' } } : settlement);
}

export function settledIn(told: string | undefined, adjustments: readonly Adjustment[]): Settled {
  if (told === undefined || told === '!') return null;
  if (told === '') return none;
  return told.split(';').flatMap((reached) => {
    const [n = -1, level = 0, isFirst] = reached.split(' ').map(Number);
    const of = adjustments[n];
    return of ? [{ id: of.id, at: of.at, level, isFirst: isFirst === 1 }] : [];
  });
}

export function parseDecision(text: string, limits: readonly AppliedLimit[], nowMs: number): Decision {
  switch (text[0]) {
    case 'A':
      return parseAdmitted(text, limits, nowMs);
    case 'D':
      return { kind: 'denied', counters: parseCounters(text, limits, nowMs) };
    case 'S':
      return { kind: 'stale' };
    case 'X':
      return { kind: 'expired' };
    case 'R': {
      const [bound = 0, fitsMs = 0] = text.slice(1).split(' ').map(Number);
      return { kind: 'attempts', bound, fitsMs };
    }
    case 'P':
      return { kind: 'in_progress' };
    case 'O':
      return { kind: 'key_reused' };
    case 'K':
    case 'U': {
      const [, attempts = '', answer = null] = text.split(' ');
      return { kind: 'answered', attempts, answer };
    }
    default:
      return { kind: 'late' };
  }
}

function parseAdmitted(text: string, limits: readonly AppliedLimit[], nowMs: number): Decision {
  const tab = text.indexOf('\t');
  if (tab < 0) return { kind: 'admitted', counters: parseCounters(text, limits, nowMs) };
  const counters = parseCounters(text.slice(0, tab), limits, nowMs);
  return { kind: 'admitted', counters, after: text.slice(tab + 1) };
}

function parseCounters(text: string, limits: readonly AppliedLimit[], nowMs: number): Counter[] {
  const counters = text.split(';');
  return limits.map(({ span }, n) => toldCounter(counters[n + 1] ?? '', span, nowMs));
}

export function parseOpen(grant: string, text: string): OpenRecord {
  const tab = text.indexOf('\t');
  return { grant, admittedAtMs: Number(text.slice(0, tab)), record: text.slice(tab + 1) };
}

export function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
