/** An invariant that does not hold. Its message begins with the invariant's number. */
export class Broken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Broken';
  }
}
