import { openaiCompatible } from './adapters/openai-compatible.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(openaiCompatible, on);
