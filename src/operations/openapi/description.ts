import type { DocumentedRoute } from '../../base/operation-docs.ts';
import type { OpenApiDocument } from './document.ts';
import { openApiDocument } from './openapi.ts';
import { descriptionPage } from './page.ts';

/** The API's description, for programs and for people. Each is made on first use and kept. */
export class Description {
  readonly #version: string;
  readonly #routes: () => readonly DocumentedRoute[];
  #document: OpenApiDocument | null = null;
  #json: string | null = null;
  #page: string | null = null;

  constructor({ version, routes }: { version: string; routes: () => readonly DocumentedRoute[] }) {
    this.#version = version;
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
    return (this.#document ??= openApiDocument({ version: this.#version, routes: this.#routes() }));
  }
}
