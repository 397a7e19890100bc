import { assert, constantFrom, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destinationIn, hostOf } from '../../../src/webhooks/destination-url.ts';

const none: ReadonlySet<string> = new Set();
const problemOf = (url: string, hosts = none): string | null => {
  const read = destinationIn(url, hosts);
  return read.ok ? null : read.problem;
};

describe('the URL of a webhook', () => {
  it.each([
    'https://example.com/hooks',
    'https://example.com:8443/hooks?key=1',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example/',
  ])('may be %s', (url) => {
    expect(problemOf(url)).toBeNull();
  });

  it.each([
    ['http://example.com/', 'must begin with https://'],
    ['ftp://example.com/', 'must begin with https://'],
    ['file:///etc/passwd', 'must begin with https://'],
    ['javascript:alert(1)', 'must begin with https://'],
    ['example.com/hooks', 'must be a URL'],
    ['https://', 'must be a URL'],
    ['https://999.1.1.1/', 'must be a URL'],
    ['https://user:secret@example.com/', 'must not have a user name'],
    ['https://user@example.com/', 'must not have a user name'],
    // Every way to write 127.0.0.1 and its like
    ['https://127.0.0.1/', 'must not have a private address'],
    ['https://127.1/', 'must not have a private address'],
    ['https://2130706433/', 'must not have a private address'],
    ['https://0x7f000001/', 'must not have a private address'],
    ['https://0177.0.0.1/', 'must not have a private address'],
    ['https://0x7f.0.0.0x1/', 'must not have a private address'],
    ['https://127.0.0.1./', 'must not have a private address'],
    ['https://１２７.０.０.１/', 'must not have a private address'],
    ['https://0/', 'must not have a private address'],
    ['https://169.254.169.254/latest/meta-data', 'must not have a private address'],
    ['https://2852039166/', 'must not have a private address'],
    ['https://[::1]/', 'must not have a private address'],
    ['https://[::]/', 'must not have a private address'],
    ['https://[::ffff:127.0.0.1]/', 'must not have a private address'],
    ['https://[::ffff:7f00:1]/', 'must not have a private address'],
    ['https://[64:ff9b::127.0.0.1]/', 'must not have a private address'],
    ['https://[fd00::1]/', 'must not have a private address'],
  ])('may not be %s', (url, problem) => {
    expect(problemOf(url)).toContain(problem);
    expect(problemOf(url)).not.toContain('secret');
  });

  it('may not be a private address in whatever spelling of its number', () => {
    const spelling = tuple(integer({ min: 0, max: 0xff_ff_ff }), constantFrom(10, 16, 8)).map(
      ([low, radix]) => {
        const number = (10 * 2 ** 24 + low).toString(radix); // 10.0.0.0/8
        return `https://${radix === 16 ? '0x' : radix === 8 ? '0' : ''}${number}/`;
      },
    );
    assert(property(spelling, (url) => problemOf(url)?.includes('private address') === true));
  });

  it('may be private if the operator names its host, with a port or without', () => {
    const hosts = new Set(['hooks.internal', '127.0.0.1:8080', '[::1]']);
    for (const url of [
      'http://hooks.internal/',
      'https://hooks.internal:1/',
      'http://127.0.0.1:8080/',
      'https://[::1]:9/',
    ]) {
      expect(destinationIn(url, hosts)).toMatchObject({ ok: true, destination: { mayBePrivate: true } });
    }
    for (const url of ['http://127.0.0.1:8081/', 'http://127.0.0.1/', 'http://a.hooks.internal/']) {
      expect(destinationIn(url, hosts).ok).toBe(false);
    }
    expect(destinationIn('http://a.example/', new Set(['a.example:80'])).ok).toBe(true);
    expect(destinationIn('https://a.example/', new Set(['a.example:80']))).toMatchObject({
      destination: { mayBePrivate: false },
    });
  });

  it('is shown by its host only', () => {
    expect(hostOf('https://hooks.slack.com/services/T0/B0/secret')).toBe('hooks.slack.com');
    expect(hostOf('no url')).toBe('unreadable');
  });
});
