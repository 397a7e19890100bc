import { describe, expect, it } from 'vitest';
import { noFigures } from '../../../src/base/figures.ts';
import { noCharge, type ForwardOutcome } from '../../../src/base/outcome.ts';
import { encodeOpen } from '../../../src/limits/open-record.ts';
import { cancellation, lostSettlement, settlementOf } from '../../../src/limits/settlement.ts';
import { ResponseKey } from '../../../src/limits/kept-items.ts';
import { IdempotencyKey } from '../../../src/limits/idempotency-key.ts';
import { KeptAnswer } from '../../../src/limits/kept-answer.ts';
import type { KeyedEnd, Settlement } from '../../../src/limits/store.ts';
import { unacceptedModel } from '../../../src/ledger/entry.ts';
import { decodeEntry, encodeEntry } from '../../../src/ledger/entry-text.ts';
import { decodeTotalsRow, type UsageFigures, usageFigures } from '../../../src/ledger/totals.ts';
import { chatPath, grantOf, openRequest, outcomeOf, stateOf } from './samples.ts';

const reserved = { ...noCharge, requests: 1, inputTokens: 10, outputTokens: 90 };
const limits = [
  stateOf({ metric: 'tokens', window: 'day', max: 1_000 }, { reserved }),
  stateOf({ metric: 'concurrency', max: 2 }, { reserved, scope: 'token' }),
];
const admittedAtMs = Date.UTC(2026, 0, 31, 12);
const day = admittedAtMs / 86_400_000 - 0.5;

function closing({ closing: closed }: Settlement): NonNullable<Settlement['closing']> {
  if (!closed) throw new Error('Nothing is written.');
  return closed;
}

/** A row of totals with these figures, in stored order, as far as the last that is not zero. */
function figuresOf(some: Partial<UsageFigures>): number[] {
  const figures = usageFigures.map((name) => some[name] ?? 0);
  return figures.slice(0, figures.findLastIndex((figure) => figure > 0) + 1);
}

describe('settlementOf', () => {
  it('carries the whole entry, the totals and the corrections', () => {
    const { settlement, entry } = settlementOf(grantOf({ limits }), outcomeOf());
    expect(entry).toEqual({
      id: 'p1-0',
      request_id: 'a-request-id-of-the-caller',
      admittedAtMs,
      team: 'acme',
      user: 'ana',
      token_id: 'tok_1',
      session_id: null,
      end_user: null,
      tags: '',
      endpoint: chatPath,
      model: 'claude-4-sonnet',
      model_requested: null,
      model_accepted: true,
      status: 200,
      outcome: 'ok',
      error_code: null,
      ...noFigures,
      inputTokens: 12,
      outputTokens: 34,
      costNanoUsd: null,
      usage: 'reported',
      stream: false,
      duration_ms: 120,
      ttfb_ms: 81,
    });
    expect(settlement).toMatchObject({ grant: 'p1-0', incarnation: 'memory', team: 'acme' });
    expect(settlement.adjustments).toEqual([
      { id: 'team-tokens-day', span: 'day', at: day, delta: -54, charged: 46 },
      { id: 'token-concurrency', span: 'open', at: 0, delta: -1 },
    ]);
    expect(encodeEntry(entry)).toBe(closing(settlement).entry);
    expect(decodeTotalsRow(closing(settlement).totals.row)).toEqual({
      team: 'acme',
      user: 'ana',
      token: 'tok_1',
      model: 'claude-4-sonnet',
      endpoint: chatPath,
    });
    expect(closing(settlement).totals).toMatchObject({
      day: '2026-01-31',
      dayEndsAtS: Date.UTC(2026, 1, 1) / 1000,
      figures: figuresOf({ requests: 1, input_tokens: 12, output_tokens: 34 }),
    });
  });

  it('counts errors and departures in the totals of the day of admission', () => {
    const figures = (outcome: 'error' | 'aborted'): readonly number[] =>
      closing(settlementOf(grantOf(), outcomeOf({ outcome, ending: 'rejected' })).settlement).totals.figures;
    expect(figures('error')).toEqual(figuresOf({ requests: 1, errors: 1 }));
    expect(figures('aborted')).toEqual(figuresOf({ requests: 1, aborted: 1 }));
  });

  it('counts what another model answered under that one, and says which was asked for', () => {
    const grant = grantOf({ request: openRequest({ model: 'asked' }) });
    const sentTo = (model: string): Parameters<typeof settlementOf>[1] =>
      outcomeOf({ sentTo: { attachment: 'INFERENCE', model } });
    const { settlement, entry } = settlementOf(grant, sentTo('other'));
    expect(entry).toMatchObject({ model: 'other', model_requested: 'asked' });
    expect(decodeTotalsRow(closing(settlement).totals.row).model).toBe('other');
    expect(settlementOf(grant, sentTo('asked')).entry).toMatchObject({ model_requested: null });
  });

  it('keeps a model out of the totals that only the caller has named', () => {
    const model = (modelKnown: boolean, accepted: boolean): string => {
      const grant = grantOf({ request: openRequest({ modelKnown, model: 'said' }) });
      const { settlement, entry } = settlementOf(grant, outcomeOf({ accepted }));
      expect(entry.model).toBe('said');
      expect(entry.model_accepted).toBe(modelKnown || accepted);
      return decodeTotalsRow(closing(settlement).totals.row).model;
    };
    expect(model(false, false)).toBe(unacceptedModel);
    expect(model(false, true)).toBe('said');
    expect(model(true, false)).toBe('said');
  });
});

describe('the Idempotency-Key of a request', () => {
  const call = { principal: 'acme/tok_1', path: chatPath, body: Buffer.from('{}') };
  const key = new IdempotencyKey('k', call);
  const keyed = `${key.id} ${key.fingerprint}`;
  const grant = grantOf({ key, request: openRequest({ keyed }) });
  const answer = new KeptAnswer({ status: 200, headers: [] }, Buffer.from('answer'));
  const endOf = (more: Partial<ForwardOutcome>, kept: KeptAnswer | null = answer): KeyedEnd | undefined =>
    settlementOf(grant, outcomeOf(more), kept).settlement.keyed;
  const attempt = 'a-request-id-of-the-caller:ok:12:34:';

  it('goes with the answer, which only the key opens, or with what is known of it', async () => {
    const end = endOf({});
    expect(end).toMatchObject({ key: keyed, as: 'answered', attempt });
    expect(await key.unseal(end?.answer ?? '')).toEqual(answer);
    expect(endOf({}, null)).toEqual({ key: keyed, as: 'answered', attempt, answer: '' });
  });

  it.each<[KeyedEnd['as'], Partial<ForwardOutcome>[]]>([
    [
      'answered',
      [{ ending: 'answered' }, { ending: 'rejected', outcome: 'error', status: 422, usage: null }],
    ],
    ['free', [{ ending: 'not_taken', outcome: 'error', status: 429, usage: null }]],
    [
      'broken',
      [
        { ending: 'failed', outcome: 'error', status: 502, usage: null },
        { ending: 'broken', outcome: 'error' },
        { ending: 'broken', outcome: 'aborted' },
        { ending: 'left', outcome: 'aborted', usage: null },
      ],
    ],
  ])('is %s, depending on how it ended', (as, outcomes) => {
    for (const outcome of outcomes) {
      const end = endOf(outcome);
      expect(end?.as).toBe(as);
      expect(end?.answer === '').toBe(as !== 'answered');
    }
  });

  it('is broken if its process died, and free if nobody waited for its admission', () => {
    const record = { grant: 'p1-0', admittedAtMs, record: encodeOpen(grant.request) };
    expect(lostSettlement(record, 'memory').keyed).toEqual({
      key: keyed,
      as: 'broken',
      attempt: 'a-request-id-of-the-caller:lost:10:90:',
      answer: '',
    });
    expect(cancellation(grant).keyed).toMatchObject({ key: keyed, as: 'free' });
  });

  it('keeps the items of an answer from being kept; without one they are, under the id of their response', () => {
    const items = new ResponseKey('acme/tok_1', '0'.repeat(32)).seal([{ id: 'msg_1' }]);
    expect(settlementOf(grant, outcomeOf(), items).settlement.keyed).toMatchObject({
      as: 'answered',
      answer: '',
    });
    const plain = (more: Partial<ForwardOutcome>): KeyedEnd | undefined =>
      settlementOf(grantOf(), outcomeOf(more), items).settlement.keyed;
    const kept = { key: `${items?.id} -`, as: 'items', attempt: '-', answer: items?.sealed };
    expect(plain({})).toEqual(kept);
    expect(plain({ ending: 'left', outcome: 'aborted', usage: null })).toBeUndefined();
  });

  it('is nothing to one without', () => {
    for (const { keyed: none } of [
      settlementOf(grantOf(), outcomeOf()).settlement,
      cancellation(grantOf()),
    ]) {
      expect(none).toBeUndefined();
    }
  });
});

describe('lostSettlement', () => {
  const record = encodeOpen(openRequest({ slots: ['team-concurrency', 'token-concurrency'], stream: true }));
  const lost = lostSettlement({ grant: 'p9-3', admittedAtMs, record }, 'now');

  it('charges the whole reservation, and gives its slots back', () => {
    expect(lost).toMatchObject({ grant: 'p9-3', incarnation: 'now', team: 'acme' });
    expect(lost.adjustments).toEqual([
      { id: 'team-concurrency', span: 'open', at: 0, delta: -1 },
      { id: 'token-concurrency', span: 'open', at: 0, delta: -1 },
    ]);
    const figures = figuresOf({ requests: 1, input_tokens: 10, output_tokens: 90, lost: 1 });
    expect(closing(lost).totals).toMatchObject({ day: '2026-01-31', figures });
  });

  it('writes an entry that says so', () => {
    expect(decodeEntry(closing(lost).entry)).toMatchObject({
      id: 'p9-3',
      request_id: 'a-request-id-of-the-caller',
      admittedAtMs: Date.UTC(2026, 0, 31, 12),
      outcome: 'lost',
      usage: 'estimated',
      inputTokens: 10,
      outputTokens: 90,
      stream: true,
      ttfb_ms: null,
    });
  });
});

describe('cancellation', () => {
  it('gives everything back and writes nothing', () => {
    expect(cancellation(grantOf({ limits }))).toEqual({
      grant: 'p1-0',
      incarnation: 'memory',
      team: 'acme',
      adjustments: [
        { id: 'team-tokens-day', span: 'day', at: day, delta: -100 },
        { id: 'token-concurrency', span: 'open', at: 0, delta: -1 },
      ],
      closing: null,
    });
  });
});
