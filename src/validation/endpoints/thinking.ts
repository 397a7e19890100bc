import type { JsonObject } from '../../base/request.ts';
import type { Findings } from '../findings.ts';
import { numberIn } from '../read-field.ts';

/** A body with thinking switched on: Claude models then take no temperature but 1, and answer 400 to any other. */
export function checkTemperatureWithThinking(body: JsonObject, findings: Findings): void {
  const temperature = numberIn(body, 'temperature');
  if (temperature === null || temperature === 1) return;
  findings.add('temperature', 'must be 1 while thinking is on; leave it out, or turn thinking off');
}
