/** The ids of the last requests that were carried out. Older ones are forgotten, and would be carried out again. */
export class RecentIds {
  readonly #ids = new Set<number>();
  readonly #kept: number;

  constructor(kept: number) {
    this.#kept = kept;
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  add(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#kept) return;
    const [oldest] = this.#ids;
    if (oldest !== undefined) this.#ids.delete(oldest);
  }
}
