/** JSON Schema (draft 2020-12) as plain data: what a message's JSON form may be, for OpenAPI and for validators. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** A schema is an object of keywords here; `true` and `false` occur only inside one. */
export interface JsonSchema {
  readonly [keyword: string]: JsonValue;
}

/** Named messages, each once, as the `components.schemas` of an OpenAPI document. */
export type JsonSchemaComponents = Map<string, JsonSchema>;

/** Where references to named messages point. */
export const componentsPath = '#/components/schemas/';
