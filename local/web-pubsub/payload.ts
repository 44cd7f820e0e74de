/** What a message carries, whichever way it came: as JSON text, as text, or as bytes. */
export type Payload =
  /** `json` is the text of a whole JSON value, checked. */
  | { readonly dataType: 'json'; readonly json: string }
  | { readonly dataType: 'text'; readonly text: string }
  | { readonly dataType: 'binary'; readonly bytes: Buffer };

/** The type of a body that carries the payload, towards the event handler. */
export function contentTypeOf(payload: Payload): string {
  switch (payload.dataType) {
    case 'json':
      return 'application/json; charset=utf-8';
    case 'text':
      return 'text/plain; charset=utf-8';
    case 'binary':
      return 'application/octet-stream';
  }
}

export function bodyOf(payload: Payload): Buffer {
  switch (payload.dataType) {
    case 'json':
      return Buffer.from(payload.json);
    case 'text':
      return Buffer.from(payload.text);
    case 'binary':
      return payload.bytes;
  }
}

/** The payload of a body of REST, or of a handler's answer. Undefined: a type that is not served, or JSON that is none. */
export function payloadOf(contentType: string, body: Buffer): Payload | undefined {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  switch (type) {
    case 'application/json':
      return jsonPayload(body.toString());
    case 'text/plain':
      return { dataType: 'text', text: body.toString() };
    case 'application/octet-stream':
      return { dataType: 'binary', bytes: body };
    default:
      return undefined;
  }
}

function jsonPayload(json: string): Payload | undefined {
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  return { dataType: 'json', json };
}
