/*
 * Reads OTLP's protobuf messages by the numbers of opentelemetry-proto, into the shape that OTLP has in JSON. Written from
 * the .proto files, and not with the package that the gateway encodes with.
 */

type Kind = 'text' | 'hex' | 'bool' | 'varint' | 'fixed64' | 'fixed32' | 'double' | 'fixed64s' | 'doubles';
type Field = readonly [name: string, kind: Kind | MessageName, isList?: 'list'];
type MessageName = keyof typeof messages;
type Value = string | number | boolean | bigint | { [name: string]: Value } | Value[];

const messages = {
  ExportTraceServiceRequest: { 1: ['resourceSpans', 'ResourceSpans', 'list'] },
  ResourceSpans: {
    1: ['resource', 'Resource'],
    2: ['scopeSpans', 'ScopeSpans', 'list'],
    3: ['schemaUrl', 'text'],
  },
  ScopeSpans: { 1: ['scope', 'Scope'], 2: ['spans', 'Span', 'list'], 3: ['schemaUrl', 'text'] },
  Resource: { 1: ['attributes', 'KeyValue', 'list'], 2: ['droppedAttributesCount', 'varint'] },
  Scope: { 1: ['name', 'text'], 2: ['version', 'text'], 3: ['attributes', 'KeyValue', 'list'] },
  Span: {
    1: ['traceId', 'hex'],
    2: ['spanId', 'hex'],
    3: ['traceState', 'text'],
    4: ['parentSpanId', 'hex'],
    5: ['name', 'text'],
    6: ['kind', 'varint'],
    7: ['startTimeUnixNano', 'fixed64'],
    8: ['endTimeUnixNano', 'fixed64'],
    9: ['attributes', 'KeyValue', 'list'],
    10: ['droppedAttributesCount', 'varint'],
    11: ['events', 'Event', 'list'],
    12: ['droppedEventsCount', 'varint'],
    13: ['links', 'Link', 'list'],
    14: ['droppedLinksCount', 'varint'],
    15: ['status', 'Status'],
    16: ['flags', 'fixed32'],
  },
  Event: {
    1: ['timeUnixNano', 'fixed64'],
    2: ['name', 'text'],
    3: ['attributes', 'KeyValue', 'list'],
    4: ['droppedAttributesCount', 'varint'],
  },
  Link: {
    1: ['traceId', 'hex'],
    2: ['spanId', 'hex'],
    3: ['traceState', 'text'],
    4: ['attributes', 'KeyValue', 'list'],
    5: ['droppedAttributesCount', 'varint'],
    6: ['flags', 'fixed32'],
  },
  Status: { 2: ['message', 'text'], 3: ['code', 'varint'] },
  KeyValue: { 1: ['key', 'text'], 2: ['value', 'AnyValue'] },
  AnyValue: {
    1: ['stringValue', 'text'],
    2: ['boolValue', 'bool'],
    3: ['intValue', 'varint'],
    4: ['doubleValue', 'double'],
  },
  ExportMetricsServiceRequest: { 1: ['resourceMetrics', 'ResourceMetrics', 'list'] },
  ResourceMetrics: {
    1: ['resource', 'Resource'],
    2: ['scopeMetrics', 'ScopeMetrics', 'list'],
    3: ['schemaUrl', 'text'],
  },
  ScopeMetrics: { 1: ['scope', 'Scope'], 2: ['metrics', 'Metric', 'list'], 3: ['schemaUrl', 'text'] },
  Metric: {
    1: ['name', 'text'],
    2: ['description', 'text'],
    3: ['unit', 'text'],
    5: ['gauge', 'Gauge'],
    7: ['sum', 'Sum'],
    9: ['histogram', 'Histogram'],
  },
  Gauge: { 1: ['dataPoints', 'NumberDataPoint', 'list'] },
  Sum: {
    1: ['dataPoints', 'NumberDataPoint', 'list'],
    2: ['aggregationTemporality', 'varint'],
    3: ['isMonotonic', 'bool'],
  },
  Histogram: { 1: ['dataPoints', 'HistogramDataPoint', 'list'], 2: ['aggregationTemporality', 'varint'] },
  NumberDataPoint: {
    2: ['startTimeUnixNano', 'fixed64'],
    3: ['timeUnixNano', 'fixed64'],
    4: ['asDouble', 'double'],
    6: ['asInt', 'fixed64'],
    7: ['attributes', 'KeyValue', 'list'],
  },
  HistogramDataPoint: {
    2: ['startTimeUnixNano', 'fixed64'],
    3: ['timeUnixNano', 'fixed64'],
    4: ['count', 'fixed64'],
    5: ['sum', 'double'],
    6: ['bucketCounts', 'fixed64s'],
    7: ['explicitBounds', 'doubles'],
    9: ['attributes', 'KeyValue', 'list'],
  },
} as const satisfies Record<string, Readonly<Record<number, readonly [string, string, 'list'?]>>>;

/** A message of this name. Throws if there is a field that OTLP does not have, or bytes are missing. */
export function decoded(bytes: Uint8Array, name: MessageName): Record<string, Value> {
  const reader = new Reader(bytes);
  const fields: Readonly<Record<number, Field>> = messages[name];
  const value: Record<string, Value> = {};
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const field = fields[tag >> 3];
    if (field === undefined) throw new Error(`${name} has no field ${tag >> 3}`);
    const [key, kind, isList] = field;
    const read = reader.value(kind, tag & 7);
    if (isList) ((value[key] ??= []) as Value[]).push(read);
    else value[key] = read;
  }
  return value;
}

class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#view.byteLength;
  }

  value(kind: Field[1], wire: number): Value {
    const expected = { varint: 0, bool: 0, fixed64: 1, double: 1, fixed32: 5 }[kind as string] ?? 2;
    if (wire !== expected) throw new Error(`${kind} with wire type ${wire}`);
    switch (kind) {
      case 'varint':
        return Number(BigInt.asIntN(64, this.varint()));
      case 'bool':
        return this.varint() === 1n;
      case 'fixed64':
        return this.#fixed64();
      case 'fixed32':
        return this.#view.getUint32(this.#take(4), true);
      case 'double':
        return this.#view.getFloat64(this.#take(8), true);
      case 'text':
        return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes());
      case 'hex':
        return Buffer.from(this.#bytes()).toString('hex');
      case 'fixed64s':
      case 'doubles': {
        const packed = new Reader(this.#bytes());
        const values: Value[] = [];
        while (!packed.isAtEnd) values.push(packed.value(kind === 'doubles' ? 'double' : 'fixed64', 1));
        return values;
      }
      default:
        return decoded(this.#bytes(), kind);
    }
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#view.getUint8(this.#take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** As JSON has it: a text, since a number would not be exact. */
  #fixed64(): string {
    return String(this.#view.getBigInt64(this.#take(8), true));
  }

  #bytes(): Uint8Array {
    const length = Number(this.varint());
    const at = this.#take(length);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length);
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#view.byteLength) throw new Error('The message is cut short.');
    return at;
  }
}
