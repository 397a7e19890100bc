import type { Endpoint, JsonObject, ValidRequest } from '../base/request.ts';
import { type Documented, textIn } from './documented.ts';
import { furtherModelsIn } from './further-models.ts';
import { Findings } from './findings.ts';

export interface EndpointRules<Found> extends Omit<Endpoint, 'validate'> {
  fields: Documented;
  /** Checks what is inside the fields. What it returns goes to `describe`. */
  check: (body: JsonObject, findings: Findings, maxOutputTokens: (model: string) => number | null) => Found;
  /** Notes in the request what its valid body asks for beyond one answer without output tokens. */
  describe: (request: ValidRequest, found: Found) => void;
}

/** An endpoint whose bodies are checked by these rules. */
export function endpointOf<Found>({ fields, check, describe, ...rest }: EndpointRules<Found>): Endpoint {
  const endpoint: Endpoint = {
    ...rest,
    validate(body, maxOutputTokens) {
      const findings = new Findings();
      findings.fields(fields, body, '');
      const found = check(body, findings, maxOutputTokens);
      const refusal = findings.refusal();
      if (refusal) return refusal;
      const request: ValidRequest = {
        endpoint,
        model: textIn(body, 'model'),
        stream: false,
        body,
        outputBound: 0,
        choices: 1,
        images: 0,
        mediaTokens: 0,
        mediaBytes: 0,
        remoteTools: [],
      };
      describe(request, found);
      const further = furtherModelsIn(body, fields.names);
      if (further.length > 0) request.furtherModels = further;
      return request;
    },
  };
  return endpoint;
}
