import { aiSdkOpenai } from '../adapters/ai-sdk-openai.ts';
import { anthropic } from '../adapters/anthropic.ts';
import { curlClient } from '../adapters/curl.ts';
import { herokuAiProvider } from '../adapters/heroku-ai-provider.ts';
import { herokuLangchain } from '../adapters/heroku-langchain.ts';
import { langchainOpenai } from '../adapters/langchain-openai.ts';
import { openResponses } from '../adapters/open-responses.ts';
import { openaiAgents } from '../adapters/openai-agents.ts';
import { openaiCompatible } from '../adapters/openai-compatible.ts';
import { openai } from '../adapters/openai.ts';
import { allUses, type ClientUnderTest, type Use } from './client.ts';

/** Every client there is, in the table's order. */
export const clients: readonly ClientUnderTest[] = [
  openai,
  openaiAgents,
  aiSdkOpenai,
  openResponses,
  anthropic,
  openaiCompatible,
  herokuAiProvider,
  langchainOpenai,
  herokuLangchain,
  curlClient,
];

/** Endpoint by client, as docs/clients.md shows it: a mark if the client is run against the endpoint. */
export function tableOfUses(): string {
  const heads = clients.map(({ name }) => (name === 'curl' ? 'curl' : `\`${name}\``));
  const row = (use: Use): string =>
    line([`\`${use}\``, ...clients.map(({ uses }) => (uses[use] === undefined ? '' : '✓'))]);
  return [line(['', ...heads]), line(['---', ...clients.map(() => ':-:')]), ...allUses.map(row)].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
