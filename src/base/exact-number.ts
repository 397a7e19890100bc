declare global {
  interface JSON {
    /** A value that JSON.stringify writes as this text (ECMAScript 2026; V8 has it since Node 21). */
    rawJSON(text: string): object;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): unknown;
  }
}

/**
 * A number of a JSON text that would not be written out again as it was written: `1.0`, `1e400`, an id of 64 bits. Only
 * free-form values keep them; in a documented field the number is its `value`.
 */
export class ExactNumber {
  /** As it was written. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get value(): number {
    return Number(this.text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): object {
    return JSON.rawJSON(this.text);
  }
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** No double is written longer: `-2.2250738585072014e-308`. */
const longestDouble = 24;

/** Whether a text is a number of JSON. */
export function isNumber(text: string): boolean {
  return jsonNumber.test(text);
}

/** Whether a double would write a number of JSON in another way. */
export function isExactOnly(number: string): boolean {
  return number.length > longestDouble || String(Number(number)) !== number;
}

/** A reviver for JSON.parse that keeps such numbers. It multiplies the time of JSON.parse: for records, not for bodies. */
export function exactNumbers(_key: string, value: unknown, { source = '' }: { source?: string }): unknown {
  return typeof value === 'number' && isExactOnly(source) ? new ExactNumber(source) : value;
}
