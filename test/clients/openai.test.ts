import { openai } from './adapters/openai.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(openai, on);
