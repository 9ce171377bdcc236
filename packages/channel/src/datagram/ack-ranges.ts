/** Sequence numbers from `low` to `high`, both included. */
export interface Range {
  readonly low: number
  readonly high: number
}

/** Ranges that are remembered; what is older has been told often enough. */
const MOST = 32

/** Which records have come, for the peer to know; newest first. */
export class AckRanges {
  #ranges: { low: number; high: number }[] = []

  get ranges(): readonly Range[] {
    return this.#ranges
  }

  /** A record has come that had not come before. */
  add(sequence: number): void {
    const ranges = this.#ranges
    const at = ranges.findIndex(({ low }) => low <= sequence + 1)
    const range = ranges[at]
    if (range === undefined) ranges.push({ low: sequence, high: sequence })
    else if (range.low === sequence + 1) {
      range.low = sequence
      const older = ranges[at + 1]
      if (older !== undefined && older.high === sequence - 1) {
        range.low = older.low
        ranges.splice(at + 1, 1)
      }
    } else if (range.high === sequence - 1) range.high = sequence
    else if (range.high < sequence) ranges.splice(at, 0, { low: sequence, high: sequence })
    if (ranges.length > MOST) ranges.pop()
  }
}
