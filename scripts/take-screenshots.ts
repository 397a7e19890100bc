import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { chromium, type Page } from 'playwright-core';
import { findChromium } from './find-chromium.ts';

/* Takes the pictures of the docs from a demo: `npm run screenshots`. */

const folder = 'docs/images';

/** File → what is shown in it, and who looks. */
const pictures = [
  ['console-overview', '?period=30d', 'root'],
  ['console-team', 'teams/made-up-web', 'root'],
  ['console-requests', 'requests', 'root'],
  ['console-my-page', '', 'holder'],
  ['console-playground', 'playground', 'holder'],
] as const;

const demo = spawn(process.execPath, ['src/demo/main.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const { origin, key, token } = await whatItSays();
  const found = findChromium();
  if (!found) throw new Error('There is no Chromium: scripts/ensure-chromium.ts gets one.');
  const browser = await chromium.launch({ executablePath: found.path });
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const who of ['root', 'holder'] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 860 } });
      const page = await context.newPage();
      await page.goto(`${origin}/console`);
      await page.getByLabel('Your credential').fill(who === 'root' ? key : token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('.who').waitFor();
      for (const [name, route, whose] of pictures) {
        if (whose !== who) continue;
        await page.goto(`${origin}/console#/${route}`);
        await untilRead(page);
        if (route === 'playground') await chat(page);
        await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
      }
      await context.close();
    }
  }
  await browser.close();
} finally {
  demo.kill('SIGINT');
}

/** Waits until a view has read everything. */
async function untilRead(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  const skeletons = page.locator('main .skeleton');
  while ((await skeletons.count()) > 0) await skeletons.first().waitFor({ state: 'detached' });
}

async function chat(page: Page): Promise<void> {
  await page.getByLabel('System prompt').fill('Answer in one friendly sentence.');
  await page.getByLabel('Your message').fill('Why is Heroku so awesome?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page
    .locator('.turn.assistant')
    .getByText(/tokens in/)
    .waitFor();
}

/** What the demo prints, as far as it is needed. */
async function whatItSays(): Promise<{ origin: string; key: string; token: string }> {
  let text = '';
  for await (const line of createInterface({ input: demo.stdout })) {
    text += `${line}\n`;
    const origin = /(http:\/\/localhost:\d+)\/console#link/.exec(text)?.[1];
    const key = /with the key (\S+)\)/.exec(text)?.[1];
    const token = /^ +(tgk_\w+)$/m.exec(text)?.[1];
    if (origin && key && token) return { origin, key, token };
  }
  throw new Error('The demo ended before it was ready.');
}
