/** A member of a list of strings with parameters, which is all that the rate limit fields are made of. */
export interface Member {
  name: string;
  parameters: Record<string, number | string>;
}

const string = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/;
const integer = /^-?\d{1,15}(?![\d.])/;
const key = /^[a-z*][a-z0-9_.*-]*/;

/** Parses as RFC 9651 says, so far as strings and integers go; throws on anything else. */
export function parseList(field: string): Member[] {
  const input = new Reader(field);
  const members = [memberOf(input)];
  while (input.rest !== '') {
    input.take(/^[ \t]*,[ \t]*/);
    members.push(memberOf(input));
  }
  return members;
}

function memberOf(input: Reader): Member {
  const name = input.take(string).slice(1, -1);
  const parameters: Member['parameters'] = {};
  while (input.rest.startsWith(';')) {
    input.take(/^; */);
    const parameter = input.take(key);
    input.take(/^=/);
    parameters[parameter] = input.rest.startsWith('"')
      ? input.take(string).slice(1, -1)
      : Number(input.take(integer));
  }
  return { name, parameters };
}

class Reader {
  rest: string;

  constructor(text: string) {
    this.rest = text;
  }

  take(pattern: RegExp): string {
    const [found] = pattern.exec(this.rest) ?? [];
    if (found === undefined) throw new SyntaxError(`Expected ${pattern.source} at ${this.rest.slice(0, 60)}`);
    this.rest = this.rest.slice(found.length);
    return found;
  }
}
