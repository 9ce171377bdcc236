/** What has a time at which it is due, and a place here. */
export interface Due {
  due: number
  /** Kept by {@link Deadlines}; -1 outside. */
  heapIndex: number
}

/** Things by the time at which they are due: a binary heap that also lets go of what is in the middle. */
export class Deadlines<T extends Due> {
  readonly #heap: T[] = []

  /** The next time at which something is due; infinity for none. */
  get next(): number {
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY
  }

  get size(): number {
    return this.#heap.length
  }

  add(item: T): void {
    item.heapIndex = this.#heap.length
    this.#heap.push(item)
    this.#up(item)
  }

  /** The time of an item has changed. */
  moved(item: T): void {
    if (item.heapIndex < 0) return
    this.#up(item)
    this.#down(item)
  }

  remove(item: T): void {
    const at = item.heapIndex
    if (at < 0) return
    item.heapIndex = -1
    const last = this.#heap.pop()!
    if (last === item) return
    last.heapIndex = at
    this.#heap[at] = last
    this.#up(last)
    this.#down(last)
  }

  /** Takes the first thing that is due by now. */
  take(now: number): T | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.due > now) return undefined
    this.remove(first)
    return first
  }

  #up(item: T): void {
    while (item.heapIndex > 0) {
      const parent = this.#heap[(item.heapIndex - 1) >> 1]!
      if (parent.due <= item.due) return
      this.#swap(item, parent)
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#heap[2 * item.heapIndex + 1]
      const right = this.#heap[2 * item.heapIndex + 2]
      const child = right !== undefined && right.due < left!.due ? right : left
      if (child === undefined || child.due >= item.due) return
      this.#swap(child, item)
    }
  }

  #swap(one: T, other: T): void {
    const { heapIndex } = one
    one.heapIndex = other.heapIndex
    other.heapIndex = heapIndex
    this.#heap[one.heapIndex] = one
    this.#heap[other.heapIndex] = other
  }
}
