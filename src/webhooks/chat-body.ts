import { chatOf } from '../base/webhook-address.ts';

/*
 * A text as the chats take it. In all of them it is shown as it is: a name in it can mention nobody and link nowhere.
 */

/** Slack drops what is longer than 40,000 characters, and splits from 4,000 on (docs.slack.dev, "Formatting message text"). */
const maxSlackLength = 4_000;
/** Discord refuses more (docs.discord.com, "Execute Webhook"). */
const maxDiscordLength = 2_000;

/** Where to send a text, and the body that says it. Slack's form is also that of Mattermost, Rocket.Chat and Zulip. Pure. */
export function chatBody(url: URL, text: string): { url: URL; body: object } {
  switch (chatOf(url)) {
    case 'discord':
      return { url: ownForm(url), body: discordBody(text) };
    case 'teams':
      return { url, body: teamsBody(text) };
    case 'slack':
      return { url, body: { text: withinLength(text, maxSlackLength, escapedForSlack) } };
    case null:
      return { url, body: { text: withinLength(text, maxSlackLength, escapedForOthers) } };
  }
}

/** Discord also takes Slack's form at an address of its own, but there a text can mention everybody. */
function ownForm(url: URL): URL {
  const own = new URL(url);
  own.pathname = own.pathname.replace(/\/slack\/?$/, '');
  return own;
}

function discordBody(text: string): object {
  return {
    content: withinLength(text, maxDiscordLength, escapedForDiscord),
    allowed_mentions: { parse: [] },
  };
}

/** Workflows take adaptive cards only. Text runs, unlike text blocks, have no Markdown (adaptivecards.io, TextRun). */
function teamsBody(text: string): object {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: withinLength(text, maxSlackLength) }] },
    ],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

/** The three characters that make mentions and links (docs.slack.dev, "Escaping text"). */
function escapedForSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Those that take Slack's form have mentions and links of their own: `@all`, `[text](url)`. A space without width ends both. */
function escapedForOthers(text: string): string {
  return escapedForSlack(text).replace(/[@[\]]/g, '$&\u200B');
}

/** Markdown, with links whose text hides where they lead, and mentions. */
function escapedForDiscord(text: string): string {
  return text.replace(/[\\*_~`|>[\]()<#@-]/g, String.raw`\$&`);
}

/** The text, written by `write`, cut so that it has at most so many characters. */
function withinLength(text: string, maxLength: number, write = (part: string): string => part): string {
  if (write(text).length <= maxLength) return write(text);
  let part = text.slice(0, maxLength);
  while (write(part).length >= maxLength)
    part = part.slice(0, -Math.max(1, Math.floor((write(part).length - maxLength) / 8)));
  return `${write(part.replace(/[\uD800-\uDBFF]$/, ''))}…`;
}
