import { concatBytes } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { failureToError } from './problem.ts';

/**
 * The whole body of an answer, at most `bytesMax` bytes: a longer one is refused as soon as it shows, whatever its header claims.
 * One of known length is read to the beginning of `into` where that has room for it.
 */
export async function readBounded(
  response: Response,
  bytesMax: number,
  signal: AbortSignal,
  into?: Uint8Array,
): Promise<Uint8Array> {
  const tooLarge = () =>
    new TidemarkError('too-large', `the server sent more than ${bytesMax} bytes where that is the most`);
  if (Number(response.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge();
  if (response.body === null) return new Uint8Array(0);
  // A body of known length is gathered in place: its pieces need not wait for the last one. (Encoded, it is of another length.)
  const isPlain = response.headers.get('content-encoding') === null;
  const claimed = isPlain ? Number(response.headers.get('content-length') ?? 0) : 0;
  const isKnown = Number.isSafeInteger(claimed) && claimed > 0;
  const given = into !== undefined && claimed <= into.length ? into.subarray(0, claimed) : undefined;
  const whole = isKnown ? (given ?? new Uint8Array(claimed)) : undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      if (length + piece.length > (whole?.length ?? bytesMax)) throw tooLarge();
      if (whole === undefined) pieces.push(piece);
      else whole.set(piece, length);
      length += piece.length;
    }
  } catch (cause) {
    if (cause instanceof TidemarkError) throw cause;
    throw failureToError(cause, signal);
  }
  if (whole !== undefined) return whole.subarray(0, length);
  return pieces.length === 1 ? pieces[0]! : concatBytes(...pieces);
}
