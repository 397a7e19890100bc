import { langchainOpenai } from './adapters/langchain-openai.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(langchainOpenai, on);
