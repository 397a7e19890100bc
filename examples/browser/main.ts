import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startDemo } from '../../src/demo/start.ts';
import { makeDemoToken } from '../../src/demo/walkthrough.ts';
import { startBackend } from './backend.js';
import { startExampleIssuer } from './issuer.ts';
import { issuersFile } from './issuers-file.ts';

/*
 * Everything the pages need, on loopback: the demo's gateway, a back end, an OpenID provider. PORT, SITE_PORT and
 * ISSUER_PORT may be set.
 */

const { SITE_PORT = '3001', ISSUER_PORT = '3002' } = process.env;
const port = await freePort(Number(SITE_PORT));
const origin = `http://127.0.0.1:${port}`;
const clientId = 'example-page';
const issuer = await startExampleIssuer({
  port: await freePort(Number(ISSUER_PORT)),
  clientId,
  redirectUri: `${origin}/oidc.html`,
});
const folder = await mkdtemp(join(tmpdir(), 'tollgate-example-'));
const ISSUERS_FILE = join(folder, 'issuers.json');
await writeFile(ISSUERS_FILE, issuersFile({ issuer: issuer.url, clientId, origin, team: 'demo' }));

let closeSite = async (): Promise<unknown> => undefined;
const demo = await startDemo({
  env: { ...process.env, ALLOWED_ORIGINS: origin, ISSUERS_FILE },
  onStop: () => Promise.all([closeSite(), issuer.close(), rm(folder, { recursive: true, force: true })]),
});
const token = await makeDemoToken(demo);
const site = await startBackend({
  gateway: demo.url,
  token,
  port,
  signIn: { issuer: issuer.url, clientId },
});
closeSite = site.close;

process.stdout.write(`
The gateway is at ${demo.url}, in front of a stand-in for Heroku Inference. Open in a browser:

  ${site.origin}/fetch.html     streams with fetch
  ${site.origin}/openai.html    streams with the OpenAI SDK
  ${site.origin}/oidc.html      signs in with OpenID Connect, without a back end

Ctrl-C stops it all.
`);
