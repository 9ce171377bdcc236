/** Quantiles over the latest samples, in a ring of fixed size. */
export class LatencyWindow {
  readonly #ring: Float64Array
  #count = 0
  /** Of the samples that are there now; undefined when one has come. */
  #sorted: Float64Array | undefined

  constructor(size = 2048) {
    this.#ring = new Float64Array(size)
  }

  add(milliseconds: number): void {
    this.#ring[this.#count++ % this.#ring.length] = milliseconds
    this.#sorted = undefined
  }

  /** Milliseconds below which a share `q` (0 to 1) of the latest samples lies, or null without samples. */
  quantile(q: number): number | null {
    const length = Math.min(this.#count, this.#ring.length)
    if (length === 0) return null
    const sorted = (this.#sorted ??= this.#ring.slice(0, length).sort())
    return sorted[Math.min(length - 1, Math.floor(q * length))] ?? null
  }
}
