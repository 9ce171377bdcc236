/** One figure of a benchmark, as `gridseal bench --json` prints it. */
export interface Figure {
  readonly suite: string
  readonly case: string
  readonly metric: string
  /** The median of `runs` runs. */
  readonly value: number
  readonly unit: string
  readonly runs: number
  /** The case of the same suite that it is measured beside. */
  readonly versus?: string
}

export type Report = (figure: Figure) => void

/** The value below which a share `q` of the samples lies; NaN without samples. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}
