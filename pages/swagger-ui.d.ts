/* What `/docs` uses of swagger-ui-dist and of what it exposes. */

/** A request that is about to be sent. */
interface SwaggerRequest {
  url: string;
  method: string;
  headers: Record<string, string>;
}

/** What an Immutable.js map can do, as far as it is used. */
interface SwaggerMap {
  get(name: string): unknown;
}
interface SwaggerTag extends SwaggerMap {
  get(name: 'operations'): SwaggerList;
  set(name: 'operations', value: SwaggerList): SwaggerTag;
}
interface SwaggerList {
  size: number;
  filter(keep: (each: SwaggerMap) => boolean): SwaggerList;
}
interface SwaggerTags {
  map(change: (tag: SwaggerTag, name: string) => SwaggerTag): SwaggerTags;
  filter(keep: (tag: SwaggerTag, name: string) => boolean): SwaggerTags;
}

type SwaggerComponent = (props: { text?: string }) => unknown;
interface SwaggerSystem {
  React: {
    createElement(type: string | SwaggerComponent, props: object | null, ...inside: unknown[]): unknown;
  };
}
interface SwaggerPlugin {
  fn?: {
    opsFilter?: (tags: SwaggerTags, phrase: string) => SwaggerTags;
    resolveSubtree?: (
      spec: unknown,
      path: readonly string[],
    ) => Promise<{ spec: unknown; errors: unknown[] }>;
  };
  wrapComponents?: Record<string, (original: SwaggerComponent, system: SwaggerSystem) => SwaggerComponent>;
}

interface SwaggerOptions {
  spec: object;
  dom_id: string;
  validatorUrl: null;
  [option: string]: unknown;
  requestInterceptor: (request: SwaggerRequest) => SwaggerRequest | Promise<SwaggerRequest>;
  plugins: readonly (() => SwaggerPlugin)[];
}

declare function SwaggerUIBundle(options: SwaggerOptions): unknown;
