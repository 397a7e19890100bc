import { describe, expect, it } from 'vitest';
import { ledgerEntryOf } from '../../../src/ledger/entry.ts';
import { entryResponse } from '../../../src/ledger/ledger-response.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { decodeEntry, encodeEntry } from '../../../src/ledger/entry-text.ts';
import { grantOf, openRequest, outcomeOf } from '../limits/samples.ts';

describe('an entry as callers see it', () => {
  it.each([true, false])(
    'has every field, in order, whether its model was accepted or not (%s)',
    (accepted) => {
      const grant = grantOf({ request: openRequest({ modelKnown: false }) });
      const { entry } = settlementOf(grant, outcomeOf({ accepted }));
      const shown = ledgerEntryOf(decodeEntry(encodeEntry(entry)));
      expect(Object.keys(shown)).toEqual(Object.keys(entryResponse.shape));
      expect(shown).toMatchObject({ model: 'claude-4-sonnet', model_accepted: accepted });
    },
  );
});
