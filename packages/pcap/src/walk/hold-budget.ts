/** Bytes held for out-of-order data: in one direction of one stream, and in all streams together. */
export interface HoldLimits {
  readonly perDirection: number
  readonly total: number
  /** Capture time in nanoseconds that data may wait for a gap to be filled. */
  readonly maxAge: bigint
}

/** What all half streams of a walker hold together. */
export class HoldBudget {
  readonly limits: HoldLimits
  used = 0

  constructor(limits: HoldLimits) {
    this.limits = limits
  }
}
