import { type Finding, ok, problem, warning } from './finding.ts';
import type { UpstreamFacts } from './upstream-facts.ts';

/** What is to be said of an upstream. Pure. */
export function upstreamFindings({ attachment, listing, models, keyed }: UpstreamFacts): Finding[] {
  const { name, baseUrl, modelId } = attachment;
  const { host } = new URL(baseUrl);
  const refused = [listing, keyed].find((asked) => 'status' in asked && asked.status === 401);
  if (refused) {
    const says = `${name}: ${host} refuses its key (status 401).`;
    const remedy = `Set ${name}_KEY to what the add-on shows, or attach the add-on once more.`;
    return [problem('upstream.key', says, remedy)];
  }
  if ('failed' in listing) {
    const says = `${name}: ${host} cannot be reached: ${listing.failed}.`;
    return [problem('upstream.reached', says, `Check ${name}_URL; status.heroku.com tells of outages.`)];
  }
  const { status } = listing;
  if (status >= 500 || status === 429) {
    const says = `${name}: ${host} has trouble (status ${status}).`;
    return [
      problem('upstream.reached', says, 'Look again in some minutes; status.heroku.com tells of outages.'),
    ];
  }
  const key = 'status' in keyed && keyed.status < 300 ? ' and takes its key' : '';
  if (models === null) {
    const says = `${name}: ${host} answers${key}, but lists no models (status ${status}).`;
    return [warning('upstream.models', says, 'Any model is sent to it: docs/models.md')];
  }
  if (modelId !== null && !models.has(modelId)) {
    const says = `${name}: ${host} does not list the model of ${name}_MODEL_ID.`;
    return [warning('upstream.models', says, `Is it spelled as there? curl ${baseUrl}/available-models`)];
  }
  return [ok('upstream.models', `${name}: ${host} answers${key}, and lists ${models.size} models.`)];
}
