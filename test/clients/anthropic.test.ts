import { anthropic } from './adapters/anthropic.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(anthropic, on);
