/** Pieces of work that must not overlap: one after the other, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Settles as the work does. */
  next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Resolves when all that has been asked for is done, well or not. */
  async idle(): Promise<void> {
    await this.#last
  }
}
