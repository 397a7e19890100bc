import { describe } from 'vitest';
import { engines, useEngine } from './engines.ts';
import { recordsStoreContract } from './records-store.ts';

describe.each(engines)('a store whose records are kept ($name)', (engine) => {
  recordsStoreContract(useEngine(engine));
});
