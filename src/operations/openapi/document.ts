import type { JsonValue } from '../../base/request.ts';

/* The parts of OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1) and JSON Schema 2020-12 that are used here. */

export interface OpenApiDocument {
  openapi: '3.1.1';
  info: { title: string; version: string; summary: string; description: string };
  servers: readonly { url: string; description: string }[];
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Record<string, OperationObject>>;
  /** What is sent to others, by the type of the event. */
  webhooks: Record<string, { post: OperationObject }>;
  components: {
    schemas: Record<string, SchemaObject>;
    responses: Record<string, ResponseObject>;
    headers: Record<string, HeaderObject>;
    securitySchemes: Record<string, { type: string; description: string }>;
  };
}

export interface OperationObject {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security: readonly Record<string, readonly string[]>[];
  parameters?: readonly ParameterObject[];
  requestBody?: { required: boolean; content: Content };
  /** By status. */
  responses: Record<string, ResponseObject | Reference>;
}

export interface Reference {
  $ref: string;
}

export interface ParameterObject {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description?: string;
  schema: SchemaObject;
  example?: string;
}

export interface ResponseObject {
  description: string;
  headers?: Record<string, Reference>;
  content?: Content;
}

export interface HeaderObject {
  description: string;
  schema: SchemaObject;
}

/** By media type. */
export type Content = Record<string, { schema: SchemaObject; example?: JsonValue | object }>;

export interface SchemaObject {
  $ref?: string;
  type?: string | readonly string[];
  description?: string;
  enum?: readonly (string | number | null)[];
  const?: string | number;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: SchemaObject;
  properties?: Record<string, SchemaObject>;
  required?: readonly string[];
  anyOf?: readonly SchemaObject[];
  oneOf?: readonly SchemaObject[];
  allOf?: readonly SchemaObject[];
}

/** The last part of a reference: the name of its target. */
export function nameIn($ref: string): string {
  return $ref.slice($ref.lastIndexOf('/') + 1);
}
