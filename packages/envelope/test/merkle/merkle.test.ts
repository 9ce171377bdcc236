import { UsageError, fromHex, toHex } from '@gridseal/wire'
import {
  Frontier,
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  rootFromInclusion,
  treeRoot,
  verifyConsistency,
} from '@gridseal/envelope'
import { expect } from 'chai'

// The leaves and roots that certificate transparency implementations share as test data.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  fromHex,
)
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const HASHES = LEAVES.map((leaf) => leafHash(leaf))

const short = (path: readonly Uint8Array[]): string[] => path.map((hash) => toHex(hash).slice(0, 16))

/** RFC 9162 2.1.1, word for word. */
function definition(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 1) return hashes[0] ?? new Uint8Array(0)
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(definition(hashes.slice(0, k)), definition(hashes.slice(k)))
}

describe('Merkle trees (RFC 9162 2.1)', () => {
  ROOTS.forEach((root, index) => {
    it(`has the known root for ${index + 1} leaves, whole and grown`, () => {
      const frontier = new Frontier()
      for (const leaf of LEAVES.slice(0, index + 1)) frontier.append(leaf)
      expect(toHex(treeRoot(HASHES.slice(0, index + 1)))).to.equal(root)
      expect(toHex(frontier.root())).to.equal(root)
    })
  })

  it('gives the known inclusion paths', () => {
    const path = (index: number, size: number): string[] => short(inclusionProof(HASHES.slice(0, size), index))
    expect(path(0, 8)).to.deep.equal(['96a296d224f285c6', '5f083f0a1a33ca07', '6b47aaf29ee3c2af'])
    expect(path(5, 8)).to.deep.equal(['bc1a0643b12e4d2d', 'ca854ea128ed050b', 'd37ee418976dd957'])
    expect(path(2, 3)).to.deep.equal(['fac54203e7cc696c'])
    expect(path(1, 5)).to.deep.equal(['6e340b9cffb37a98', '5f083f0a1a33ca07', 'bc1a0643b12e4d2d'])
    expect(path(6, 7)).to.deep.equal(['0ebc5d3437fbe2db', 'd37ee418976dd957'])
  })

  it('gives the known consistency proofs', () => {
    const proof = (m: number, n: number): string[] => short(consistencyProof(HASHES.slice(0, n), m))
    expect(proof(1, 8)).to.deep.equal(['96a296d224f285c6', '5f083f0a1a33ca07', '6b47aaf29ee3c2af'])
    expect(proof(6, 8)).to.deep.equal(['0ebc5d3437fbe2db', 'ca854ea128ed050b', 'd37ee418976dd957'])
    expect(proof(2, 5)).to.deep.equal(['5f083f0a1a33ca07', 'bc1a0643b12e4d2d'])
    expect(proof(4, 7)).to.deep.equal(['837dbb152e9b0790'])
  })

  it('agrees with the definition for every tree of up to 70 leaves: roots, paths, proofs', () => {
    const hashes = Array.from({ length: 70 }, (_, i) => leafHash(Uint8Array.of(i)))
    const roots = hashes.map((_, i) => definition(hashes.slice(0, i + 1)))
    const rootOf = (size: number): Uint8Array => roots[size - 1] ?? new Uint8Array(0)
    for (let n = 1; n <= 70; n++) {
      const tree = hashes.slice(0, n)
      for (let i = 0; i < n; i++) {
        const path = inclusionProof(tree, i)
        expect(rootFromInclusion(hashes[i] ?? new Uint8Array(0), i, n, path)).to.deep.equal(rootOf(n))
        if (i + 1 < n) {
          const moved = rootFromInclusion(hashes[i] ?? new Uint8Array(0), i + 1, n, path)
          expect(
            moved === undefined || Buffer.compare(moved, rootOf(n)) !== 0,
            `leaf ${i} as ${i + 1} of ${n}`,
          ).to.equal(true)
        }
      }
      for (let m = 1; m <= n; m++) {
        const proof = consistencyProof(tree, m)
        expect(verifyConsistency(m, n, proof, rootOf(m), rootOf(n)), `${m} in ${n}`).to.equal(true)
        expect(verifyConsistency(m, n, [...proof, rootOf(n)], rootOf(m), rootOf(n)), 'one hash more').to.equal(false)
        if (m < n) expect(verifyConsistency(m, n, proof, rootOf(n), rootOf(m)), 'roots swapped').to.equal(false)
        const other = leafHash(rootOf(m))
        expect(verifyConsistency(m, n, proof, other, rootOf(n)), 'another older root').to.equal(false)
        expect(verifyConsistency(m, n, proof, rootOf(m), other), 'another newer root').to.equal(false)
        if (proof.length > 0) {
          expect(verifyConsistency(m, n, proof.slice(1), rootOf(m), rootOf(n)), 'one hash less').to.equal(false)
        }
      }
    }
  })

  it('refuses paths of the wrong length and leaves outside the tree', () => {
    const path = inclusionProof(HASHES, 5)
    const leaf = HASHES[5] ?? new Uint8Array(0)
    expect(rootFromInclusion(leaf, 5, 8, path.slice(1))).to.equal(undefined)
    expect(rootFromInclusion(leaf, 5, 8, [...path, leaf])).to.equal(undefined)
    expect(rootFromInclusion(leaf, 8, 8, path)).to.equal(undefined)
    expect(rootFromInclusion(leaf, 0, 0, [])).to.equal(undefined)
    expect(rootFromInclusion(leaf, 0, 2 ** 53, path)).to.equal(undefined)
  })

  it('tells leaves from inner nodes (second preimage)', () => {
    const inner = new Uint8Array([...(HASHES[0] ?? []), ...(HASHES[1] ?? [])])
    expect(toHex(leafHash(inner))).to.not.equal(ROOTS[1])
  })

  it('goes on from a saved frontier', () => {
    for (let cut = 1; cut < LEAVES.length; cut++) {
      const first = new Frontier()
      for (const leaf of LEAVES.slice(0, cut)) first.append(leaf)
      const second = Frontier.from(first.size, first.hashes())
      for (const leaf of LEAVES.slice(cut)) second.append(leaf)
      expect(toHex(second.root())).to.equal(ROOTS.at(-1))
    }
    expect(() => Frontier.from(3, HASHES.slice(0, 1))).to.throw(UsageError)
  })

  it('copies are independent', () => {
    const frontier = new Frontier()
    frontier.append(LEAVES[0] ?? new Uint8Array(0))
    const copy = frontier.copy()
    copy.append(LEAVES[1] ?? new Uint8Array(0))
    expect(toHex(frontier.root())).to.equal(ROOTS[0])
    expect(toHex(copy.root())).to.equal(ROOTS[1])
  })
})
