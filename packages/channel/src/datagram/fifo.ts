/** First in, first out, at a cost that does not grow with what waits. */
export class Fifo<T> {
  #items: T[] = []
  /** Items at the front that have been taken. */
  #gone = 0

  get length(): number {
    return this.#items.length - this.#gone
  }

  /** The next to be taken. */
  get first(): T | undefined {
    return this.#items[this.#gone]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#gone]
    if (this.#gone === this.#items.length) return undefined
    this.#gone++
    if (this.#gone * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#gone)
      this.#gone = 0
    }
    return item
  }
}
