import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startDemo } from '../../src/demo/start.ts';
import { makeDemoToken } from '../../src/demo/walkthrough.ts';
import { originsAt, startBackend } from './backend.js';
import { startExampleIssuer } from './issuer.ts';
import { issuersFile } from './issuers-file.ts';

/*
 * Everything the pages need, on loopback: the demo's gateway, a back end, an OpenID provider. PORT, SITE_PORT and
 * ISSUER_PORT may be set.
 */

const { SITE_PORT = '3001', ISSUER_PORT = '3002' } = process.env;
const port = await freePort(Number(SITE_PORT));
const origins = originsAt(port);
const clientId = 'example-page';
const issuer = await startExampleIssuer({
  port: await freePort(Number(ISSUER_PORT)),
  clientId,
  redirectUris: origins.map((origin) => `${origin}/oidc.html`),
});
const folder = await mkdtemp(join(tmpdir(), 'tollgate-example-'));
const ISSUERS_FILE = join(folder, 'issuers.json');
await writeFile(ISSUERS_FILE, issuersFile({ issuer: issuer.url, clientId, origins, team: 'demo' }));

let closeSite = async (): Promise<unknown> => undefined;
const demo = await startDemo({
  longAnswers: true,
  env: { ...process.env, ALLOWED_ORIGINS: origins.join(','), ISSUERS_FILE },
  onStop: () => Promise.all([closeSite(), issuer.close(), rm(folder, { recursive: true, force: true })]),
});
const token = await makeDemoToken(demo, {
  session_proof: 'nonce',
  // Of each visitor, however many pages are open; those of the provider have the limits in its file.
  end_user_limits: [{ metric: 'requests', window: 'minute', max: 30 }],
});
const site = await startBackend({
  gateway: demo.url,
  token,
  port,
  signIn: { issuer: issuer.url, clientId },
});
closeSite = site.close;

process.stdout.write(`
The gateway is at ${demo.url}, in front of a stand-in for Heroku Inference. Open in a browser:

  ${site.origin}/

It leads to three pages: a conversation with fetch, with the OpenAI SDK, and after signing in with OpenID Connect,
without a back end. Ctrl-C stops it all.
`);
