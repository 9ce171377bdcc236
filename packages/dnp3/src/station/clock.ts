import { performance } from 'node:perf_hooks'

/** Milliseconds that never go back, as sessions count them. */
export function now(): number {
  return performance.now()
}

/** UTC milliseconds at a moment of {@link now}. */
export function utcAt(moment: number): number {
  return Date.now() + (moment - now())
}
