import { randomBytes } from '@gridseal/pqc'

/** Where randomness comes from: `count` fresh bytes. */
export type Randomness = (count: number) => Uint8Array

const POOL = 4096
let pool = new Uint8Array(0)
let used = 0

/**
 * The system's generator, asked for some thousand bytes at a time: a call costs the same for 32. For what every hello
 * and nonce needs; key pairs are made by the provider, from its own randomness.
 */
export function systemRandomness(count: number): Uint8Array {
  if (count > POOL) return randomBytes(count)
  if (pool.length - used < count) {
    pool = new Uint8Array(randomBytes(POOL))
    used = 0
  }
  const bytes = pool.slice(used, used + count)
  pool.fill(0, used, used + count)
  used += count
  return bytes
}
