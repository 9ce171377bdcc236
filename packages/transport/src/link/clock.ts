/** Time as a link needs it. */
export interface Clock {
  /** Milliseconds from some fixed instant; never goes back. */
  now(): number
  /** Calls `callback` once after so many milliseconds; the result cancels it. */
  after(milliseconds: number, callback: () => void): () => void
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
}
