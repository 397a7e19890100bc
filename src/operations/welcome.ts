import { z } from 'zod';

/** What `GET /` answers to a program. */
export const welcomeText = {
  name: 'Tollgate',
  what: 'An authenticating reverse proxy for Heroku Managed Inference.',
  next: {
    call: 'POST /v1/chat/completions, or another endpoint of /openapi.json, with Authorization: Bearer <token>',
    models: 'GET /v1/models with your token',
    limits: 'GET /v1/me with your token',
    administer: 'POST /admin/teams with Authorization: Bearer <ADMIN_KEY>',
    health: 'GET /healthz, GET /readyz',
    describe: 'GET /openapi.json (OpenAPI 3.1), GET /docs (the same as a page)',
  },
};

/** What `GET /` shows a person, who may just have deployed it. */
export const welcomePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tollgate</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
  pre { background: #f4f4f5; padding: 1rem; overflow-x: auto; border-radius: 6px; }
</style>
<h1>Tollgate is running</h1>
<p>An authenticating reverse proxy for Heroku Managed Inference: it holds the inference keys, gives people tokens
of their own, enforces limits that a whole team shares, and records who used what.</p>
<h2>Next: make a team, a user and a token</h2>
<pre>URL=https://&lt;this app&gt;   ADMIN_KEY=$(heroku config:get ADMIN_KEY)
curl -X POST $URL/admin/teams              -H "Authorization: Bearer $ADMIN_KEY" -d '{"id":"acme"}'
curl -X POST $URL/admin/teams/acme/users   -H "Authorization: Bearer $ADMIN_KEY" -d '{"id":"ana"}'
curl -X POST $URL/admin/teams/acme/tokens  -H "Authorization: Bearer $ADMIN_KEY" -d '{"user":"ana"}'</pre>
<h2>Then call it with the token</h2>
<pre>curl $URL/v1/chat/completions -H "Authorization: Bearer tgk_…" \\
  -d '{"model":"claude-4-5-haiku","messages":[{"role":"user","content":"Hello"}]}'</pre>
<p>What a token may use: <code>GET /v1/models</code>. What is left of its limits: <code>GET /v1/me</code>.
All operations: <a href="/docs">the API</a>.</p>
</html>
`;

/** Its shape. */
export const welcomeResponse = z
  .object({ name: z.string(), what: z.string(), next: z.record(z.string(), z.string()) })
  .meta({ id: 'Welcome' });
