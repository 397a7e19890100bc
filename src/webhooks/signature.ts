import { createHmac } from 'node:crypto';
import type { Webhook } from '../identity/records/webhook.ts';

/**
 * The value of `webhook-signature` (Standard Webhooks 1.0): one signature for each secret that counts at `nowMs`, so that a
 * receiver can change its secret while both sign. Pure.
 */
export function signaturesOf(
  secrets: Webhook['secrets'],
  { id, timestampS, body }: { id: string; timestampS: number; body: string },
  nowMs: number,
): string {
  return secrets
    .filter(({ until }) => until === undefined || Date.parse(until) > nowMs)
    .map(({ text }) => {
      const key = Buffer.from(text.slice('whsec_'.length), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`;
    })
    .join(' ');
}
