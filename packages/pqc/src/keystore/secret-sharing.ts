import { randomBytes } from 'node:crypto'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import { sha256 } from '../symmetric/hash.ts'

/*
 * m-of-n sharing of a secret (Shamir) over GF(2^8), octet by octet: any m shares give the secret, fewer say nothing
 * about it. The arithmetic has no tables and no branches that depend on secrets.
 */

const CHECK_LENGTH = 8
const PREFIX = 'gridseal-share-1'

/** One share, for one custodian. */
export interface Share {
  /** The same for all shares of one secret, public: its key id. */
  readonly id: Uint8Array
  /** How many shares are needed. */
  readonly threshold: number
  /** 1 to 255. */
  readonly index: number
  /** As long as the secret and a check sum of it. */
  readonly value: Uint8Array
}

/** Throws `UsageError` `pqc.escrow.numbers` unless 2 <= threshold <= count <= 255. */
export function splitSecret(secret: Uint8Array, id: Uint8Array, threshold: number, count: number): readonly Share[] {
  needBytes(secret, 'secret')
  if (!isNumber(threshold, 2) || !isNumber(count, 2) || threshold > count) {
    throw new UsageError('pqc.escrow.numbers', `${threshold} of ${count} shares are not possible`)
  }
  // The check sum tells a wrong combination from the secret; it is shared, too, and so tells nobody else anything.
  const checked = Buffer.concat([secret, sha256(secret).subarray(0, CHECK_LENGTH)])
  const coefficients = Array.from({ length: threshold - 1 }, () => randomBytes(checked.length))
  const shares = Array.from({ length: count }, (_, i): Share => {
    const index = i + 1
    const value = new Uint8Array(checked.length)
    for (let k = 0; k < checked.length; k++) {
      // Horner from the highest power down to the secret.
      let y = 0
      for (let power = threshold - 2; power >= 0; power--) y = multiply(y ^ coefficients[power]![k]!, index)
      value[k] = y ^ checked[k]!
    }
    return { id: Uint8Array.from(id), threshold, index, value }
  })
  checked.fill(0)
  for (const coefficient of coefficients) coefficient.fill(0)
  return shares
}

/**
 * The secret of enough shares. Throws `UsageError` `pqc.escrow.few` for too few or repeated ones, and `DecodeError`
 * `pqc.escrow.shares` for shares of different secrets or with errors.
 */
export function combineShares(shares: readonly Share[]): Uint8Array {
  const [first] = shares
  if (first === undefined) throw new UsageError('pqc.escrow.few', 'no shares')
  const distinct = [...new Map(shares.map((share) => [share.index, share])).values()]
  const alike = ({ id, threshold, index, value }: Share): boolean =>
    isNumber(index, 1) &&
    isNumber(threshold, 2) &&
    equalBytes(id, first.id) &&
    threshold === first.threshold &&
    value.length === first.value.length
  if (!distinct.every(alike)) throw wrong('the shares are not of one secret')
  if (distinct.length < first.threshold) {
    throw new UsageError('pqc.escrow.few', `${distinct.length} different shares of the ${first.threshold} needed`)
  }
  const used = distinct.slice(0, first.threshold)
  const checked = new Uint8Array(first.value.length)
  for (const { index, value } of used) {
    // Lagrange at zero: the product of x_j / (x_j - x_i).
    let weight = 1
    for (const { index: other } of used) {
      if (other !== index) weight = multiply(weight, multiply(other, invert(other ^ index)))
    }
    for (let k = 0; k < checked.length; k++) checked[k]! ^= multiply(value[k]!, weight)
  }
  const secret = checked.slice(0, -CHECK_LENGTH)
  const good = equalBytes(sha256(secret).subarray(0, CHECK_LENGTH), checked.subarray(-CHECK_LENGTH))
  checked.fill(0)
  if (good) return secret
  throw wrong('the shares do not fit together: one of them has an error')
}

/** A share as a custodian keeps it, one line with a check sum. */
export function formatShare({ id, threshold, index, value }: Share): string {
  const body = `${PREFIX}:${toHex(id)}:${threshold}:${index}:${toHex(value)}`
  return `${body}:${checkOf(body)}`
}

/** Throws `DecodeError` `pqc.escrow.shares`. */
export function parseShare(text: string): Share {
  const parts = text.trim().split(':')
  const [prefix, id = '', threshold = '', index = '', value = '', check] = parts
  const numbers = [Number(threshold), Number(index)] as const
  const good =
    parts.length === 6 &&
    prefix === PREFIX &&
    [id, value].every((hex) => /^([0-9a-f]{2})+$/.test(hex)) &&
    value.length > 2 * CHECK_LENGTH &&
    isNumber(numbers[0], 2) &&
    isNumber(numbers[1], 1) &&
    check === checkOf(parts.slice(0, 5).join(':'))
  if (!good) throw wrong('not a share, or one with a typing error')
  return { id: fromHex(id), threshold: numbers[0], index: numbers[1], value: fromHex(value) }
}

function isNumber(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= 255
}

function checkOf(body: string): string {
  return toHex(sha256(new TextEncoder().encode(body)).subarray(0, 4))
}

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    product ^= -((b >> bit) & 1) & a
    a = (a << 1) ^ (-(a >> 7) & 0x11b)
  }
  return product & 0xff
}

/** Inverse by a^254. */
function invert(a: number): number {
  let result = 1
  for (let i = 0; i < 7; i++) {
    a = multiply(a, a)
    result = multiply(result, a)
  }
  return result
}

function wrong(message: string): DecodeError {
  return new DecodeError('pqc.escrow.shares', 0, 'share', message)
}
