import { expect } from 'chai'
import fc from 'fast-check'
import { combineShares, formatShare, parseShare, randomBytes, splitSecret } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'

describe('m-of-n shares', () => {
  const id = new Uint8Array(16).fill(7)

  it('any m of n give the secret', () => {
    const numbers = fc
      .integer({ min: 2, max: 8 })
      .chain((m) => fc.tuple(fc.constant(m), fc.integer({ min: m, max: 12 })))
    const secret = fc.uint8Array({ minLength: 1, maxLength: 64 })
    fc.assert(
      fc.property(secret, numbers, fc.infiniteStream(fc.nat()), (bytes, [m, n], order) => {
        const shares = splitSecret(bytes, id, m, n).map((share) => ({ share, at: order.next().value as number }))
        const chosen = shares.toSorted((a, b) => a.at - b.at).slice(0, m)
        const written = chosen.map(({ share }) => parseShare(formatShare(share)))
        expect(toHex(combineShares(written))).to.equal(toHex(bytes))
      }),
      { numRuns: 60 },
    )
  })

  it('fewer are refused, and one share says nothing: it is uniform', () => {
    const shares = splitSecret(new Uint8Array(32), id, 3, 5)
    for (const few of [shares.slice(0, 2), [shares[0]!, shares[0]!, shares[1]!]]) {
      expect(() => combineShares(few))
        .to.throw(UsageError)
        .with.property('code', 'pqc.escrow.few')
    }
    const seen = new Set<number>()
    for (let i = 0; i < 4000; i++) seen.add(splitSecret(new Uint8Array(1), id, 2, 2)[0]!.value[0]!)
    expect(seen.size).to.equal(256)
  })

  it('a share that is wrong, mistyped or of another secret is found', () => {
    const [a, b] = splitSecret(randomBytes(32), id, 2, 2)
    const wrong = { ...b!, value: b!.value.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) }
    const other = splitSecret(randomBytes(32), new Uint8Array(16), 2, 2)[1]!
    for (const shares of [
      [a!, wrong],
      [a!, other],
    ]) {
      expect(() => combineShares(shares))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.escrow.shares')
    }
    // A share at zero would be the secret itself, and one that is enough alone anything that its owner likes.
    const forged = { ...a!, value: splitSecret(new Uint8Array(32), id, 2, 2)[0]!.value }
    for (const share of [
      { ...forged, index: 0 },
      { ...forged, index: 256 },
      { ...forged, index: 1.5 },
      { ...forged, threshold: 1 },
      { ...forged, threshold: 0 },
      { ...forged, threshold: NaN },
    ]) {
      expect(() => combineShares([share, { ...b!, threshold: share.threshold }]), JSON.stringify(share))
        .to.throw(DecodeError, 'are not of one secret')
        .with.property('code', 'pqc.escrow.shares')
      expect(() => parseShare(formatShare(share)))
        .to.throw(DecodeError)
        .with.property('code', 'pqc.escrow.shares')
    }
    const text = formatShare(a!)
    for (let at = 0; at < text.length; at++) {
      const typo = `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`
      expect(() => parseShare(typo), `character ${at}`)
        .to.throw(DecodeError)
        .with.property('code', 'pqc.escrow.shares')
    }
    for (const [m, n] of [
      [1, 3],
      [4, 3],
      [2, 256],
    ] as const) {
      expect(() => splitSecret(new Uint8Array(1), id, m, n))
        .to.throw(UsageError)
        .with.property('code', 'pqc.escrow.numbers')
    }
  })
})
