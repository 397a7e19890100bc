import type { Usage } from '../base/outcome.ts';
import { isRecord, parsedJson } from '../base/request.ts';
import { isAnswer } from '../upstream/answer.ts';
import { usageIn } from '../upstream/usage.ts';
import { JsonScanner } from './json-scanner.ts';

/** Answers up to this size are kept and parsed; larger ones (embeddings, images, long texts) are only scanned. */
const maxKeptBytes = 65_536;
/** As Latin-1. */
const byteOrderMark = /^\u00ef\u00bb\u00bf/;

export interface JsonTapOptions {
  /** The top-level list that such an answer has. */
  list: string;
  /** Whether its text was generated; otherwise it is the caller's own, given back. */
  isGenerated?: boolean;
  /** Whether the images in the list are counted. */
  countsImages?: boolean;
}

/** Reads along with a plain JSON answer without touching it, in bounded memory. */
export class JsonTap {
  readonly isGenerated: boolean;
  readonly #options: JsonTapOptions;
  #kept: Buffer[] = [];
  #bytes = 0;
  /** Set if the answer is too large to be kept. */
  #scanner: JsonScanner | null = null;
  #reading: Reading | null = null;
  #text: string | null = null;

  constructor(options: JsonTapOptions) {
    this.isGenerated = options.isGenerated ?? true;
    this.#options = options;
  }

  /** Reads the next bytes. */
  feed(chunk: Buffer): void {
    this.#reading = null;
    this.#text = null;
    if (this.#scanner) {
      this.#scanner.feed(chunk.toString('latin1'));
      return;
    }
    this.#kept.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= maxKeptBytes) return;
    this.#scanner = this.#scan();
    this.#kept = [];
  }

  /** Whether it is too large to be kept. */
  get isLarge(): boolean {
    return this.#scanner !== null;
  }

  /** All of an answer as Latin-1; null if it is too large. */
  get text(): string | null {
    return this.isLarge ? null : this.#keptText;
  }

  /** All of an answer that is not too large, as Latin-1. It is not kept any longer: there is nothing left to be read. */
  takeText(): string {
    const text = this.#keptText;
    this.#text = null;
    this.#kept = [];
    return text;
  }

  get #keptText(): string {
    return (this.#text ??= textOf(this.#kept));
  }

  /** Whether this is a whole answer, and no error. */
  get isAnswer(): boolean {
    return this.#read().isAnswer;
  }

  /** Whether it has the list that such an answer has. */
  get hasList(): boolean {
    return this.#read().hasList;
  }

  /** What the answer says it used, and the images in it; null if there is neither. */
  get usage(): Usage | null {
    return this.#read().usage;
  }

  /** Bytes of generated text, for the estimate if there is no usage. */
  get textBytes(): number {
    return (this.#scanner ?? this.#scan()).textBytes;
  }

  #scan(): JsonScanner {
    const scanner = new JsonScanner({ list: this.#options.list, sketches: true });
    for (const chunk of this.#kept) scanner.feed(chunk.toString('latin1'));
    return scanner;
  }

  #read(): Reading {
    this.#reading ??= this.#scanner ? this.#readScanned(this.#scanner) : this.#readKept();
    return this.#reading;
  }

  #readKept(): Reading {
    const { list, countsImages } = this.#options;
    const answer = parsedJson(this.#keptText.replace(byteOrderMark, ''));
    const usage = isRecord(answer) ? usageIn(answer) : null;
    return {
      isAnswer: isRecord(answer) && isAnswer(answer, list),
      hasList: isRecord(answer) && Array.isArray(answer[list]),
      usage: countsImages ? withImages(usage, this.#scan().images) : usage,
    };
  }

  #readScanned({ isWhole, hasList, hasError, sketch, images }: JsonScanner): Reading {
    const { list, countsImages } = this.#options;
    const fields = parsedJson(sketch);
    const answer = isRecord(fields) && hasList ? { ...fields, [list]: [] } : fields;
    const usage = isRecord(answer) ? usageIn(answer) : null;
    // An error that is left out of the sketch is a long one.
    const isLongError = hasError && isRecord(fields) && fields['error'] === undefined;
    return {
      isAnswer: isWhole && isRecord(answer) && isAnswer(answer, list) && !isLongError,
      hasList,
      usage: countsImages ? withImages(usage, images) : usage,
    };
  }
}

interface Reading {
  isAnswer: boolean;
  hasList: boolean;
  usage: Usage | null;
}

/** As many as came are charged, also if that is none. */
function withImages(usage: Usage | null, images: number): Usage {
  return { inputTokens: 0, outputTokens: 0, ...usage, images };
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  if (first && chunks.length === 1) return first.toString('latin1');
  return Buffer.concat(chunks).toString('latin1');
}
