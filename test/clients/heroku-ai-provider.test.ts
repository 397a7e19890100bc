import { herokuAiProvider } from './adapters/heroku-ai-provider.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(herokuAiProvider, on);
