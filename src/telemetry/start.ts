import type { TelemetrySettings } from '../config/telemetry.ts';
import type { Telemetry, TelemetryParts } from './telemetry.ts';

/** What is needed to send telemetry, made ready; null if none is to be sent: then what encodes it is not even loaded. */
export async function telemetryOf(
  settings: TelemetrySettings,
  parts: Omit<TelemetryParts, 'settings'>,
): Promise<Telemetry | null> {
  if (settings === null) return null;
  const loaded = await import('./telemetry.ts');
  return new loaded.Telemetry({ settings, ...parts });
}
