import { describe, expect, it } from 'vitest';
import { entryColumns, entryShown } from '../../../src/reports/entry-report.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { decodeEntry, encodeEntry } from '../../../src/ledger/entry-text.ts';
import { grantOf, openRequest, outcomeOf } from '../limits/samples.ts';

describe('an entry in a report', () => {
  it.each([true, false])(
    'has a column for every field, whether its model was accepted or not (%s)',
    (accepted) => {
      const grant = grantOf({ request: openRequest({ modelKnown: false }) });
      const { entry } = settlementOf(grant, outcomeOf({ accepted }));
      const shown = entryShown(decodeEntry(encodeEntry(entry)));
      expect(Object.keys(shown).sort()).toEqual([...entryColumns].sort());
      expect(shown).toMatchObject({ model: 'claude-4-sonnet', model_accepted: accepted });
    },
  );
});
