import { concatBytes } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { failureToError } from './problem.ts';

/** The whole body of an answer, at most `bytesMax` bytes: a longer one is refused as soon as it shows, whatever its header claims. */
export async function readBounded(response: Response, bytesMax: number, signal: AbortSignal): Promise<Uint8Array> {
  const tooLarge = () =>
    new TidemarkError('too-large', `the server sent more than ${bytesMax} bytes where that is the most`);
  if (Number(response.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge();
  if (response.body === null) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > bytesMax) throw tooLarge();
      pieces.push(piece);
    }
  } catch (cause) {
    if (cause instanceof TidemarkError) throw cause;
    throw failureToError(cause, signal);
  }
  return pieces.length === 1 ? pieces[0]! : concatBytes(...pieces);
}
