/*
 * Parameter sets of LMS (RFC 8554 4.1, 5.1; SP 800-208 4): 5 tree heights and 4 Winternitz widths for SHA-256 and
 * SHAKE256, each with 32 or 24 bytes.
 */

export type LmsHash = 'sha256' | 'shake256'

/** An LMS type code: the tree. */
export interface LmsTree {
  readonly hash: LmsHash
  /** Bytes of a node. */
  readonly m: 32 | 24
  /** Height: 2^h one-time keys. */
  readonly h: number
}

/** An LM-OTS type code: one-time signatures. */
export interface LmsOneTime {
  readonly hash: LmsHash
  /** Bytes of a hash. */
  readonly n: 32 | 24
  /** Bits of a digit. */
  readonly w: 1 | 2 | 4 | 8
  /** Number of chains. */
  readonly p: number
  /** Left shift of the check sum. */
  readonly ls: number
}

/** By the first type code of each family (SP 800-208 tables 1 to 8). */
const FAMILIES: readonly (readonly [LmsHash, 32 | 24, tree: number, oneTime: number])[] = [
  ['sha256', 32, 5, 1],
  ['sha256', 24, 10, 5],
  ['shake256', 32, 15, 9],
  ['shake256', 24, 20, 13],
]

/** RFC 8554 table 1, SP 800-208 table 1: w, chains and shift. */
const WIDTHS: Readonly<Record<32 | 24, readonly (readonly [1 | 2 | 4 | 8, number, number])[]>> = {
  32: [
    [1, 265, 7],
    [2, 133, 6],
    [4, 67, 4],
    [8, 34, 0],
  ],
  24: [
    [1, 200, 8],
    [2, 101, 6],
    [4, 51, 4],
    [8, 26, 0],
  ],
}

export const LMS_TREES: ReadonlyMap<number, LmsTree> = new Map(
  FAMILIES.flatMap(([hash, m, first]) =>
    [5, 10, 15, 20, 25].map((h, i): [number, LmsTree] => [first + i, { hash, m, h }]),
  ),
)

export const LMS_ONE_TIME: ReadonlyMap<number, LmsOneTime> = new Map(
  FAMILIES.flatMap(([hash, n, , first]) =>
    WIDTHS[n].map(([w, p, ls], i): [number, LmsOneTime] => [first + i, { hash, n, w, p, ls }]),
  ),
)
