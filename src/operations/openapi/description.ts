import { hash } from 'node:crypto';
import type { DocumentedRoute } from '../../base/operation-docs.ts';
import { version } from '../version.ts';
import { openApiDocument } from './openapi.ts';

/** The API's description as a text. It is made on first use and kept. */
export class Description {
  readonly #routes: () => readonly DocumentedRoute[];
  #json: string | null = null;
  #etag: string | null = null;

  constructor(routes: () => readonly DocumentedRoute[]) {
    this.#routes = routes;
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(openApiDocument({ version, routes: this.#routes() })));
  }

  /** Changes with the document. Strong: the same text at every byte. */
  get etag(): string {
    return (this.#etag ??= `"${hash('sha256', this.json, 'base64url').slice(0, 22)}"`);
  }
}
