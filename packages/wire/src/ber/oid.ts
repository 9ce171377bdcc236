import { DecodeError, UsageError } from '../errors.ts'

/**
 * The dotted form of OBJECT IDENTIFIER contents (X.690 8.19). Arcs of any size are exact.
 * Throws {@link DecodeError} `decode.ber.oid` for empty contents, a padded arc (leading 80) or an unfinished one.
 */
export function decodeOid(contents: Uint8Array, offset = 0, field = 'oid'): string {
  const arcs = decodeArcs(contents, offset, field)
  const first = arcs[0]!
  const root = first < 40 ? 0 : first < 80 ? 1 : 2
  const second = typeof first === 'bigint' ? first - 80n : first - root * 40
  return [root, second, ...arcs.slice(1)].join('.')
}

/** The dotted form of RELATIVE-OID contents (X.690 8.20). Throws as {@link decodeOid}. */
export function decodeRelativeOid(contents: Uint8Array, offset = 0, field = 'relativeOid'): string {
  return decodeArcs(contents, offset, field).join('.')
}

/** Contents of an OBJECT IDENTIFIER. Throws {@link UsageError} `wire.ber.oid` if `dotted` is not one. */
export function encodeOid(dotted: string): Uint8Array {
  const [root, second, ...others] = parseArcs(dotted)
  if (root === undefined || second === undefined || root > 2n || (root < 2n && second > 39n)) throw notAnOid(dotted)
  return encodeArcs([root * 40n + second, ...others])
}

/** Contents of a RELATIVE-OID. Throws {@link UsageError} `wire.ber.oid`. */
export function encodeRelativeOid(dotted: string): Uint8Array {
  return encodeArcs(parseArcs(dotted.startsWith('.') ? dotted.slice(1) : dotted))
}

/** Below this value seven more bits fit a number exactly. */
const EXACT = 2 ** 46

function decodeArcs(contents: Uint8Array, offset: number, field: string): (number | bigint)[] {
  if (contents.length === 0) throw new DecodeError('decode.ber.oid', offset, field, 'an identifier without arcs')
  const arcs: (number | bigint)[] = []
  let arc: number | bigint = 0
  let started = false
  for (const [i, octet] of contents.entries()) {
    if (!started && octet === 0x80) throw new DecodeError('decode.ber.oid', offset + i, field, 'padded arc')
    arc =
      typeof arc === 'number' && arc < EXACT ? arc * 128 + (octet & 0x7f) : BigInt(arc) * 128n + BigInt(octet & 0x7f)
    started = octet >= 0x80
    if (!started) {
      arcs.push(arc)
      arc = 0
    }
  }
  if (started) throw new DecodeError('decode.ber.oid', offset + contents.length, field, 'unfinished arc')
  return arcs
}

function parseArcs(dotted: string): bigint[] {
  const parts = dotted.split('.')
  if (!parts.every((part) => /^(0|[1-9][0-9]*)$/.test(part))) throw notAnOid(dotted)
  return parts.map(BigInt)
}

function encodeArcs(arcs: readonly bigint[]): Uint8Array {
  const octets: number[] = []
  for (const arc of arcs) {
    const septets = [Number(arc & 0x7fn)]
    for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) septets.push(Number(rest & 0x7fn) | 0x80)
    octets.push(...septets.reverse())
  }
  return Uint8Array.from(octets)
}

function notAnOid(dotted: string): UsageError {
  return new UsageError('wire.ber.oid', `"${dotted}" is not an object identifier`)
}
