import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * Which scripts run in a full store. Whatever creates or widens must not be among them: one team could go on filling a
 * store that is full.
 */
const inFullStore = {
  // narrow
  narrow_record: 'lists and limits that shrink, an earlier expiry, a suspension, a revocation',
  narrow_settings: 'lower limits of the gateway',
  count_change: 'what narrows is counted: one small key for each administrator, which expires',
  // end
  delete_administrator: 'removes an administrator',
  delete_price: 'takes back the prices of a model',
  delete_record: 'removes a user or a token',
  delete_team: 'removes a team',
  delete_webhook: 'removes a webhook',
  end: 'ends a session',
  end_console_session: 'ends a session of the console',
  take_console_link: 'removes a link to the console',
  use_console_session: 'writes a time over another, and a later expiry',
  end_all: 'ends all sessions of a token',
  open_claim: 'opens a claim link: what stays is smaller than what was there; the outbox is bounded',
  leave: 'forgets a process that stops',
  // cancel and settle
  settle: 'closes a request, or cancels its admission',
  open_of_silent: 'reads what a dead process left, to settle it',
  // drain
  name_drained: 'makes one small key, once',
  mark_drained: 'trims what is drained',
  beat: 'the heartbeat: without it nobody could settle what a dead process left',
  // take names from records, and note that
  note: 'an entry of the audit trail for what is done with Postgres',
  rename_rows: 'sums of days, under other names',
  forget_end_user: 'takes away what an end user has used',
  forget_events: 'takes away what was not delivered yet',
  trim_drained: 'takes away what Postgres has',
  // tell, within the bounds of the outbox
  tell_once: 'an event, and a small key that expires',
  tell_change: 'an event, and a field for each attachment and model',
  hand_out: 'events from one bounded list to others',
  mark_tried: 'takes an event away, or writes over one, and a line of a bounded log',
  disable_webhook: 'ends the deliveries to a webhook, and tells an event',
  retry_now: 'writes over what waits for a webhook',
  take_lease: 'which process delivers: one small key',
  release_lease: 'the same',
  // restore from records what was there before, or less
  begin_restoring: 'begins to restore a store',
  restore_gateway: 'removes all identities, to write them anew',
  restore_fields: 'identities, and sums of days within bounds',
  restore_strings: 'what was settled last, within bounds',
  restore_counters: 'counters',
  restore_audit: 'the newest entries of the audit trail, within bounds',
  close_recorded: 'closes open requests that are in the records',
  finish_restoring: 'ends restoring',
  open_unrecorded: 'one field, so that the store is used without its records',
} as const;

const flagsOf = (file: string): string => readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
const scripts = globSync('src/**/*.lua');

describe('a script that runs in a full store', () => {
  it('narrows, ends, cancels or settles', () => {
    expect(scripts.length).toBeGreaterThan(30);
    const allowed = scripts.filter((file) => flagsOf(file).includes('allow-oom'));
    expect(allowed.map((file) => basename(file, '.lua')).toSorted()).toEqual(
      Object.keys(inFullStore).toSorted(),
    );
  });
});
