import { ENCAPSULATED_INTERFACE, EXCEPTION_BIT, MEI_DEVICE_IDENTIFICATION } from './functions.ts'
import type { PduSide } from './pdu-codec.ts'

/**
 * How long a PDU is, told from its first bytes. RTU frames carry no length: this table is what frames them.
 */
interface LengthRule {
  /** Bytes of the PDU without those that the count stands for. */
  readonly base: number
  /** Offset of the byte count in the PDU, where there is one. */
  readonly countAt?: number
  /** The byte count has 16 bits. */
  readonly wide?: true
}

const fixed = (base: number): LengthRule => ({ base })
const byCount = (base: number, countAt: number): LengthRule => ({ base, countAt })

const REQUESTS: Readonly<Record<number, LengthRule>> = {
  1: fixed(5),
  2: fixed(5),
  3: fixed(5),
  4: fixed(5),
  5: fixed(5),
  6: fixed(5),
  7: fixed(1),
  // The echo of sub-function 0 may be longer; only what surrounds the frame tells.
  8: fixed(5),
  11: fixed(1),
  12: fixed(1),
  15: byCount(6, 5),
  16: byCount(6, 5),
  17: fixed(1),
  20: byCount(2, 1),
  21: byCount(2, 1),
  22: fixed(7),
  23: byCount(10, 9),
  24: fixed(3),
}

const RESPONSES: Readonly<Record<number, LengthRule>> = {
  1: byCount(2, 1),
  2: byCount(2, 1),
  3: byCount(2, 1),
  4: byCount(2, 1),
  5: fixed(5),
  6: fixed(5),
  7: fixed(2),
  8: fixed(5),
  11: fixed(5),
  12: byCount(2, 1),
  15: fixed(5),
  16: fixed(5),
  17: byCount(2, 1),
  20: byCount(2, 1),
  21: byCount(2, 1),
  22: fixed(7),
  23: byCount(2, 1),
  24: { base: 3, countAt: 1, wide: true },
}

const dense = (rules: Readonly<Record<number, LengthRule>>): readonly (LengthRule | undefined)[] =>
  Array.from({ length: 256 }, (_, code) => rules[code])

const REQUEST_RULES = dense(REQUESTS)
const RESPONSE_RULES = dense(RESPONSES)

/** The function's length is not told by its first bytes. */
export const UNPREDICTABLE = 0

/**
 * Length of the PDU that begins at `start`. A negative result -n: at least n bytes of it are needed to tell.
 * {@link UNPREDICTABLE} for functions that are not public and for MEI types other than 14.
 */
export function predictPduLength(side: PduSide, bytes: Uint8Array, start: number, end: number): number {
  const available = end - start
  if (available < 1) return -1
  const code = bytes[start]!
  if (side === 'response' && code >= EXCEPTION_BIT) return 2
  if (code === ENCAPSULATED_INTERFACE) return predictInterface(side, bytes, start, available)
  const rule = side === 'request' ? REQUEST_RULES[code] : RESPONSE_RULES[code]
  if (rule === undefined) return UNPREDICTABLE
  const { base, countAt } = rule
  if (countAt === undefined) return base
  if (rule.wide) {
    if (available < countAt + 2) return -(countAt + 2)
    return base + ((bytes[start + countAt]! << 8) | bytes[start + countAt + 1]!)
  }
  return available > countAt ? base + bytes[start + countAt]! : -(countAt + 1)
}

/** Function 43: the identification objects are walked, other interfaces are unknown. */
function predictInterface(side: PduSide, bytes: Uint8Array, start: number, available: number): number {
  if (available < 2) return -2
  if (bytes[start + 1] !== MEI_DEVICE_IDENTIFICATION) return UNPREDICTABLE
  if (side === 'request') return 4
  if (available < 7) return -7
  let length = 7
  for (let objects = bytes[start + 6]!; objects > 0; objects--) {
    if (available < length + 2) return -(length + 2)
    length += 2 + bytes[start + length + 1]!
  }
  return length
}
