import type { Endpoint, JsonObject, ValidRequest } from '../base/request.ts';
import { type Documented, textIn } from './documented.ts';
import { Findings } from './findings.ts';

interface EndpointRules<Found> extends Omit<Endpoint, 'validate'> {
  fields: Documented;
  /** Checks what is inside the fields. What it returns goes to `describe`. */
  check: (body: JsonObject, findings: Findings, maxOutputTokens: (model: string) => number | null) => Found;
  /** What a valid body asks for beyond one answer without output tokens. */
  describe: (body: JsonObject, found: Found) => Partial<ValidRequest>;
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
      const valid: ValidRequest = {
        endpoint,
        model: textIn(body, 'model'),
        stream: false,
        body,
        outputBound: 0,
        choices: 1,
        images: 0,
        imageParts: 0,
        imageUrlBytes: 0,
        remoteTools: [],
      };
      // Takes V8 a third less time than to spread it into the literal.
      return Object.assign(valid, describe(body, found));
    },
  };
  return endpoint;
}
