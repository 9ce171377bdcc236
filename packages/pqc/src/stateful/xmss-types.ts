/*
 * Parameter sets of XMSS and XMSS^MT (RFC 8391 5, SP 800-208 5). All have w = 16. The two number spaces are separate.
 */

export type XmssHash = 'sha256' | 'sha512' | 'shake128' | 'shake256'

export interface XmssSet {
  readonly hash: XmssHash
  /** Bytes of a node. */
  readonly n: 24 | 32 | 64
  /** Height of all trees together. */
  readonly h: number
  /** Layers of trees; 1 is XMSS. */
  readonly d: number
  /** Bytes that separate the uses of the hash: n, but 4 for the 192-bit sets of SP 800-208. */
  readonly padding: number
  /** Whether SP 800-208 approves the set: SHA-256 and SHAKE256 with 24 or 32 bytes. */
  readonly approved: boolean
}

type Family = readonly [XmssHash, 24 | 32 | 64]

/** In the order of their numbers. */
const XMSS_FAMILIES: readonly Family[] = [
  ['sha256', 32],
  ['sha512', 64],
  ['shake128', 32],
  ['shake256', 64],
  ['sha256', 24],
  ['shake256', 32],
  ['shake256', 24],
]

const XMSS_HEIGHTS = [10, 16, 20]

/** Height and layers, in the order of their numbers. */
const XMSSMT_SHAPES: readonly (readonly [number, number])[] = [
  [20, 2],
  [20, 4],
  [40, 2],
  [40, 4],
  [40, 8],
  [60, 3],
  [60, 6],
  [60, 12],
]

/** By object identifier: the first four bytes of a public key. */
export const XMSS_SETS: ReadonlyMap<number, XmssSet> = new Map(
  XMSS_FAMILIES.flatMap((family, f) =>
    XMSS_HEIGHTS.map((h, i): [number, XmssSet] => [1 + 3 * f + i, set(family, h, 1)]),
  ),
)

export const XMSSMT_SETS: ReadonlyMap<number, XmssSet> = new Map(
  XMSS_FAMILIES.flatMap((family, f) =>
    XMSSMT_SHAPES.map(([h, d], i): [number, XmssSet] => [1 + 8 * f + i, set(family, h, d)]),
  ),
)

function set([hash, n]: Family, h: number, d: number): XmssSet {
  const approved = n !== 64 && (hash === 'sha256' || hash === 'shake256')
  return { hash, n, h, d, padding: n === 24 ? 4 : n, approved }
}
