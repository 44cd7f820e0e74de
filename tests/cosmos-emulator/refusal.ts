/** An answer that is not the asked one: a status, sometimes with a substatus, and headers. */
export class Refusal extends Error {
  readonly status: number;
  readonly substatus: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: { readonly substatus?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.substatus = options.substatus;
    this.headers = options.headers ?? {};
  }
}

/** For whatever the emulator does not know: it refuses rather than guesses. */
export function unknown(what: string): Refusal {
  return new Refusal(400, `this emulator does not know ${what}`);
}
