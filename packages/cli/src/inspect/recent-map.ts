/**
 * A map that keeps what was lately used: of the last `limit` to twice as many different keys. What has not been asked for
 * while so many others came is dropped, and told.
 */
export class RecentMap<Value> {
  readonly #limit: number
  readonly #dropped: (value: Value) => void
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(limit: number, dropped: (value: Value) => void) {
    this.#limit = limit
    this.#dropped = dropped
  }

  get(key: string): Value | undefined {
    const found = this.#young.get(key)
    if (found !== undefined) return found
    const aged = this.#old.get(key)
    if (aged === undefined) return undefined
    this.#old.delete(key)
    this.set(key, aged)
    return aged
  }

  set(key: string, value: Value): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#limit) return
    this.#drop(this.#old)
    this.#old = this.#young
    this.#young = new Map()
  }

  /** Drops all that is left. */
  clear(): void {
    this.#drop(this.#old)
    this.#drop(this.#young)
    this.#old = new Map()
    this.#young = new Map()
  }

  #drop(values: ReadonlyMap<string, Value>): void {
    for (const value of values.values()) this.#dropped(value)
  }
}
