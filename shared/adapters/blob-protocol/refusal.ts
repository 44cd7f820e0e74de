/** Refusals of a blob endpoint, with Azure's error codes. The texts are constant: none quotes a URL, path or signature. */

export interface BlobRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export const refusals = {
  uri: { status: 400, code: 'InvalidUri', message: 'The path does not name a blob.' },
  method: { status: 405, code: 'UnsupportedHttpVerb', message: 'Only PUT, GET and HEAD are served here.' },
  parameter: { status: 400, code: 'UnsupportedQueryParameter', message: 'This operation is not served here.' },
  authentication: {
    status: 403,
    code: 'AuthenticationFailed',
    message: 'The URL is not signed for this, or it has expired.',
  },
  blobType: { status: 400, code: 'InvalidHeaderValue', message: 'The header x-ms-blob-type must be BlockBlob.' },
  length: { status: 400, code: 'InvalidHeaderValue', message: 'The header Content-Length is not a length.' },
  lengthMissing: { status: 411, code: 'MissingContentLengthHeader', message: 'The header Content-Length is missing.' },
  tooLarge: { status: 413, code: 'RequestBodyTooLarge', message: 'The body is larger than any pack.' },
  blockId: {
    status: 400,
    code: 'InvalidQueryParameterValue',
    message: 'The query parameter blockid is not the base64 of 1 to 64 bytes.',
  },
  blockTooLarge: { status: 413, code: 'RequestBodyTooLarge', message: 'The body is larger than a block may be.' },
  blockIdLength: {
    status: 400,
    code: 'InvalidBlobOrBlock',
    message: 'All block ids of one blob must have the same length.',
  },
  blockCount: { status: 409, code: 'BlockCountExceedsLimit', message: 'Too many blocks are staged for this blob.' },
  xml: { status: 400, code: 'InvalidXmlDocument', message: 'The body is not a list of blocks.' },
  blockList: { status: 400, code: 'InvalidBlockList', message: 'A block of the list has not been staged.' },
  header: { status: 400, code: 'UnsupportedHeader', message: 'This condition is not served here.' },
  archived: { status: 409, code: 'BlobArchived', message: 'This operation is not permitted on an archived blob.' },
  md5: { status: 400, code: 'Md5Mismatch', message: 'The body does not match the header Content-MD5.' },
  exists: { status: 409, code: 'BlobAlreadyExists', message: 'The specified blob already exists.' },
  absent: { status: 404, code: 'BlobNotFound', message: 'The specified blob does not exist.' },
  condition: { status: 412, code: 'ConditionNotMet', message: 'The blob is not the one that the condition names.' },
  range: { status: 416, code: 'InvalidRange', message: 'The range lies outside the blob.' },
  busy: { status: 503, code: 'ServerBusy', message: 'The blob cannot be stored now; try again later.' },
  internal: { status: 500, code: 'InternalError', message: 'The server failed; try again later.' },
} as const satisfies Record<string, BlobRefusal>;

/** The body that goes with a refusal. */
export function refusalToXml(refusal: BlobRefusal): string {
  return `<?xml version="1.0" encoding="utf-8"?><Error><Code>${refusal.code}</Code><Message>${refusal.message}</Message></Error>`;
}

export function refusalHeaders(refusal: BlobRefusal): Record<string, string> {
  return { 'content-type': 'application/xml', 'x-ms-error-code': refusal.code };
}
