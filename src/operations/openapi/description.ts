import type { DocumentedRoute } from '../../base/operation-docs.ts';
import type { OpenApiDocument } from './document.ts';
import { version } from '../version.ts';
import { openApiDocument } from './openapi.ts';
import { descriptionPage } from './page.ts';

/** The API's description, for programs and for people. Each is made on first use and kept. */
export class Description {
  readonly #routes: () => readonly DocumentedRoute[];
  #document: OpenApiDocument | null = null;
  #json: string | null = null;
  #page: string | null = null;

  constructor(routes: () => readonly DocumentedRoute[]) {
    this.#routes = routes;
  }

  /** The OpenAPI document. */
  get json(): string {
    return (this.#json ??= JSON.stringify(this.#made()));
  }

  /** The same as HTML. */
  get page(): string {
    return (this.#page ??= descriptionPage(this.#made()));
  }

  #made(): OpenApiDocument {
    return (this.#document ??= openApiDocument({ version, routes: this.#routes() }));
  }
}
