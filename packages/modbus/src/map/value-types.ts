import { UsageError } from '@gridseal/wire'

/** How a value lies in registers. `bool` is a coil or discrete input, or one bit of a register. */
export const VALUE_TYPES = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'string',
] as const
export type ValueType = (typeof VALUE_TYPES)[number]

/**
 * Order of the bytes of a value that spans registers, named by a 32-bit value ABCD, A most significant: `ABCD` as the
 * standard has it, `CDAB` registers swapped, `BADC` bytes within each register swapped, `DCBA` both.
 */
export const ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
export type Order = (typeof ORDERS)[number]

export type Value = number | bigint | boolean | string

/** Registers that a type takes; of a string, as many as it is given. */
const WORDS: Readonly<Record<Exclude<ValueType, 'string'>, number>> = {
  bool: 1,
  int16: 1,
  uint16: 1,
  bcd16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  bcd32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
}

export function wordsOfType(type: ValueType, length: number): number {
  return type === 'string' ? length : WORDS[type]
}

/** Reads a value of `words`. Undefined where the registers hold none: digits that are none, NaN. */
export function decodeValue(words: ArrayLike<number>, type: ValueType, order: Order): Value | undefined {
  const view = arranged(words, orderOf(type, order))
  switch (type) {
    case 'bool':
      return view.getUint16(0) !== 0
    case 'int16':
      return view.getInt16(0)
    case 'uint16':
      return view.getUint16(0)
    case 'int32':
      return view.getInt32(0)
    case 'uint32':
      return view.getUint32(0)
    case 'int64':
      return view.getBigInt64(0)
    case 'uint64':
      return view.getBigUint64(0)
    case 'float32':
      return numberOf(view.getFloat32(0))
    case 'float64':
      return numberOf(view.getFloat64(0))
    case 'bcd16':
    case 'bcd32':
      return bcdOf(view)
    case 'string':
      return textOf(view)
  }
}

/** Writes a value into registers. Throws {@link UsageError} for one that does not fit. */
export function encodeValue(value: Value, type: ValueType, order: Order, length: number): number[] {
  const view = new DataView(new ArrayBuffer(2 * wordsOfType(type, length)))
  if (type === 'string') writeText(view, String(value))
  else writeNumber(view, value, type)
  const words = Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(2 * i))
  const back = arranged(words, orderOf(type, order))
  return words.map((_, i) => back.getUint16(2 * i))
}

const SWAPS_WORDS: ReadonlySet<Order> = new Set<Order>(['CDAB', 'DCBA'])
const SWAPS_BYTES: ReadonlySet<Order> = new Set<Order>(['BADC', 'DCBA'])

/** The characters of a text stand in the order of the registers, however numbers do. */
function orderOf(type: ValueType, order: Order): Order {
  if (type !== 'string') return order
  return SWAPS_BYTES.has(order) ? 'BADC' : 'ABCD'
}

/** The bytes in the standard's order. Swapping is its own inverse, so this serves both ways. */
function arranged(words: ArrayLike<number>, order: Order): DataView {
  const count = words.length
  const view = new DataView(new ArrayBuffer(2 * count))
  const swapsWords = SWAPS_WORDS.has(order)
  const swapsBytes = SWAPS_BYTES.has(order)
  for (let i = 0; i < count; i++) view.setUint16(2 * (swapsWords ? count - 1 - i : i), words[i]!, swapsBytes)
  return view
}

function numberOf(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

function bcdOf(view: DataView): number | undefined {
  let value = 0
  for (let at = 0; at < view.byteLength; at++) {
    const byte = view.getUint8(at)
    if (byte >> 4 > 9 || (byte & 15) > 9) return undefined
    value = value * 100 + 10 * (byte >> 4) + (byte & 15)
  }
  return value
}

/** Up to the first NUL, without the blanks that fill it up. */
function textOf(view: DataView): string {
  const bytes = new Uint8Array(view.buffer)
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)).trimEnd()
}

function writeText(view: DataView, text: string): void {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > view.byteLength) throw doesNotFit(text, `${view.byteLength} bytes`)
  new Uint8Array(view.buffer).set(bytes)
}

const RANGES: Partial<Readonly<Record<ValueType, readonly [bigint, bigint]>>> = {
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint32: [0n, 0xffff_ffffn],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
  bcd16: [0n, 9999n],
  bcd32: [0n, 9999_9999n],
}

function writeNumber(view: DataView, value: Value, type: Exclude<ValueType, 'string'>): void {
  if (typeof value === 'string') throw doesNotFit(value, type)
  if (type === 'bool') view.setUint16(0, Number(value) === 0 ? 0 : 1)
  else if (type === 'float32') view.setFloat32(0, Number(value))
  else if (type === 'float64') view.setFloat64(0, Number(value))
  else {
    if (typeof value === 'number' && !Number.isFinite(value)) throw doesNotFit(String(value), type)
    const whole = typeof value === 'bigint' ? value : BigInt(Math.round(Number(value)))
    const [least, most] = RANGES[type]!
    if (whole < least || whole > most) throw doesNotFit(String(value), type)
    writeWhole(view, type.startsWith('bcd') ? BigInt(`0x${whole}`) : whole)
  }
}

function writeWhole(view: DataView, value: bigint): void {
  for (let at = view.byteLength - 1, rest = value; at >= 0; at--, rest >>= 8n) view.setUint8(at, Number(rest & 0xffn))
}

function doesNotFit(value: string, where: string): UsageError {
  return new UsageError('modbus.value', `${value} does not fit ${where}`, { value, where })
}
