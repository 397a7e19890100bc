import { herokuLangchain } from './adapters/heroku-langchain.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(herokuLangchain, on);
