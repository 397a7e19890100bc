import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { appNameFrom, type Deployment, welcomePage } from '../../../src/operations/welcome.ts';

const onHeroku: Deployment = {
  origin: 'https://my-gateway-1a2b3c4d5e6f.herokuapp.com',
  onDyno: true,
  appName: 'my-gateway',
  store: 'redis',
  hasRecords: true,
  chatModel: 'claude-4-5-haiku',
};

/** The commands of a page, as somebody copies them. */
function commandsOf(page: string): string[] {
  return [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text = '']) =>
    text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
  );
}

describe('the app of a gateway on Heroku', () => {
  it.each([
    ['my-gateway-1a2b3c4d5e6f.herokuapp.com', 'my-gateway'],
    ['my-gateway.herokuapp.com', 'my-gateway'],
    ['gateway.example.com', null],
    ['a.b.herokuapp.com', null],
    ['-x.herokuapp.com', null],
    ['x.herokuapp.com.example.com', null],
    ['$(reboot).herokuapp.com', null],
    [undefined, null],
  ])('of the host %s is %s', (host, name) => {
    expect(appNameFrom(undefined, host)).toBe(name);
  });

  it('is what the variable says, if that can be a name', () => {
    expect(appNameFrom('the-app', 'my-gateway.herokuapp.com')).toBe('the-app');
    expect(appNameFrom('; reboot', 'my-gateway.herokuapp.com')).toBe('my-gateway');
  });
});

describe('the page at /', () => {
  it('fills in the app and its address', () => {
    const page = welcomePage(onHeroku);
    const [key, address] = commandsOf(page);
    expect(key).toBe('heroku config:get ADMIN_KEY -a my-gateway');
    expect(address).toBe(
      `URL='https://my-gateway-1a2b3c4d5e6f.herokuapp.com'\nADMIN_KEY="$(heroku config:get ADMIN_KEY -a my-gateway)"`,
    );
    expect(page).toContain('https://dashboard.heroku.com/apps/my-gateway/settings');
    expect(page).toContain('href="/console"');
    expect(page).not.toContain('class="warning"');
  });

  it('asks for the name of an app that it does not know, and speaks of Heroku only there', () => {
    const [key] = commandsOf(welcomePage({ ...onHeroku, appName: null }));
    expect(key).toMatch(/read -r APP && heroku config:get ADMIN_KEY -a "\$APP"$/);
    const elsewhere = welcomePage({ ...onHeroku, onDyno: false, appName: null, origin: 'http://h:3000' });
    expect(elsewhere).toContain('environment of the process');
    expect(elsewhere).not.toContain('heroku config');
  });

  it('says what the store forgets, and what to do', () => {
    const alone = welcomePage({ ...onHeroku, hasRecords: false });
    expect(alone).toContain('Redis alone keeps everything.');
    expect(commandsOf(alone)).toContain(
      'heroku addons:create heroku-postgresql:essential-0 --as DATABASE -a my-gateway',
    );
    expect(welcomePage({ ...onHeroku, store: 'memory', hasRecords: false })).toContain('kept in memory');
  });

  it('takes no host for more than a host', () => {
    const origin = `https://x'; reboot; '<script>alert(1)</script>`;
    const page = welcomePage({ ...onHeroku, origin, chatModel: `m'; reboot '` });
    expect(page).not.toContain('<script>alert');
    const [, address, , call] = commandsOf(page);
    expect(address).toContain(String.raw`URL='https://x'\''; reboot; '\''<script>`);
    expect(call).toContain(String.raw`"model":"m'\''; reboot '\''"`);
  });
});

describe('app.json', () => {
  it('has a description that the Dashboard shows whole', () => {
    const text = readFileSync(new URL('../../../app.json', import.meta.url), 'utf8');
    const { description } = JSON.parse(text) as { description: string };
    expect(description.length).toBeLessThan(140);
  });
});
