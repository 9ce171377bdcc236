import { AuthError, DecodeError, GridsealError, ProtocolError, toHex } from '@gridseal/wire'
import type { SealedBatch } from '@gridseal/envelope'
import { Opener, decodeBatch, encodeCbor } from '@gridseal/envelope'
import { expect } from 'chai'
import fc from 'fast-check'
import { mutations } from '../../../test/support/mutate.ts'
import {
  KEY,
  OTHER_KEY,
  batchesOf,
  commands,
  frame,
  frames,
  opener,
  signatureIn,
  trusted,
  trusting,
} from './support/logs.ts'

const at = (batches: readonly SealedBatch[], index: number): Uint8Array => batches[index]?.bytes ?? new Uint8Array(0)

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof GridsealError) return error.code
    throw error
  }
  return 'accepted'
}

describe('the opener', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await batchesOf([frames(3), frames(2, 3), frames(4, 5)])
  })

  it('releases every entry in order, byte for byte, with its place in the log', () => {
    const o = opener()
    const entries = batches.flatMap((batch) => o.open(batch.bytes).entries)
    expect(entries.map((entry) => entry.sequence)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const [index, { sequence, ...entry }] of entries.entries()) {
      const due = frame(index)
      expect({ ...entry, bytes: entry.kind === 'frame' ? toHex(entry.bytes) : '' }).to.deep.equal({
        ...due,
        bytes: toHex(due.bytes),
      })
      expect(sequence).to.equal(index + 1)
    }
  })

  it('carries the coming and going of connections in its place among the frames', async () => {
    const opened = {
      kind: 'event',
      link: 'l',
      connection: 3,
      direction: 'to-master',
      time: 5n,
      event: 'opened',
      detail: 'tcp://10.0.0.1:9',
    } as const
    const closed = { ...opened, event: 'closed', detail: '' } as const
    const [batch] = await batchesOf([[opened, frame(1), closed]])
    const entries = opener().open(batch?.bytes ?? new Uint8Array(0)).entries
    expect(entries.map((entry) => (entry.kind === 'event' ? entry.event : 'frame'))).to.deep.equal([
      'opened',
      'frame',
      'closed',
    ])
    expect(entries[0]).to.deep.equal({ ...opened, sequence: 1 })
  })

  it('refuses a batch again (replay), a later one (gap) and one of an unknown log; then goes on', () => {
    const o = opener()
    o.open(at(batches, 0))
    expect(codeOf(() => o.open(at(batches, 0)))).to.equal('envelope.replay')
    expect(codeOf(() => o.open(at(batches, 2)))).to.equal('envelope.gap')
    expect(o.open(at(batches, 1)).number).to.equal(1)
    expect(codeOf(() => opener().open(at(batches, 1)))).to.equal('envelope.gap')
  })

  it('refuses the continuation of another history (previous root)', async () => {
    const seed = (length: number): Uint8Array => new Uint8Array(length).fill(9)
    const now = (): bigint => 1_700_000_000_000_000_000n
    const one = await batchesOf([frames(3), frames(2, 3)], { random: seed, now })
    const two = await batchesOf([frames(3, 100), frames(2, 3)], { random: seed, now })
    const o = opener()
    o.open(at(one, 0))
    expect(codeOf(() => o.open(at(two, 1)))).to.equal('envelope.previous-root')
  })

  it('refuses leaves spliced in from another batch of the same shape', async () => {
    const [other] = await batchesOf([frames(3, 50)])
    const mine = decodeBatch(at(batches, 0))
    const theirs = decodeBatch(other?.bytes ?? new Uint8Array(0))
    const spliced = replaceLeaves(at(batches, 0), mine.leaves, [
      mine.leaves[0],
      mine.leaves[1],
      theirs.leaves[2],
      mine.leaves[3],
    ])
    expect(codeOf(() => opener().open(spliced))).to.equal('envelope.signature')
  })

  it('refuses a batch with a leaf missing, doubled or moved', () => {
    const [header, a, b, c] = decodeBatch(at(batches, 0)).leaves
    const with_ = (leaves: readonly (Uint8Array | undefined)[]): string =>
      codeOf(() => opener().open(replaceLeaves(at(batches, 0), decodeBatch(at(batches, 0)).leaves, leaves)))
    expect(with_([header, a, b])).to.equal('envelope.tree-size')
    expect(with_([header, a, b, c, c])).to.equal('envelope.tree-size')
    expect(with_([header, b, a, c])).to.equal('envelope.signature')
    expect(with_([header, a, b, c])).to.equal('accepted')
  })

  it('refuses keys that are not trusted, and algorithms that are not allowed', async () => {
    const [foreign] = await batchesOf([frames(1)], { key: OTHER_KEY })
    expect(codeOf(() => opener().open(foreign?.bytes ?? new Uint8Array(0)))).to.equal('envelope.key.unknown')
    const strict = new Opener({ key: trusted, algorithms: ['ML-DSA-65'] })
    expect(codeOf(() => strict.open(at(batches, 0)))).to.equal('envelope.algorithm')
  })

  it('refuses logs of another site or direction', () => {
    expect(codeOf(() => new Opener({ key: trusted, site: 'elsewhere' }).open(at(batches, 0)))).to.equal('envelope.site')
    expect(codeOf(() => new Opener({ key: trusted, direction: 'to-device' }).open(at(batches, 0)))).to.equal(
      'envelope.site',
    )
  })

  it('refuses entries that say they go the other way: policy trusts the direction', async () => {
    const [batch] = await batchesOf([[...frames(1), ...commands(1, 1)]])
    expect(codeOf(() => opener().open(batch?.bytes ?? new Uint8Array(0)))).to.equal('envelope.direction')
    expect(codeOf(() => new Opener({ key: trusted }).open(batch?.bytes ?? new Uint8Array(0)))).to.equal(
      'envelope.direction',
    )
  })

  it('refuses an older log after a newer one, and tells a log that is not joined', async () => {
    let now = 1_700_000_000_000_000_000n
    const older = await batchesOf([frames(2)], { now: () => now })
    now += 10n
    const newer = await batchesOf([frames(2)], { now: () => now })
    const o = opener()
    expect(o.open(at(older, 0)).joined).to.equal(true)
    expect(o.open(at(newer, 0)).joined).to.equal(false)
    expect(codeOf(() => o.open(at(older, 0)))).to.equal('envelope.log-order')
  })

  it('goes on in the middle from a position; a wrong one is found out by the next signature', () => {
    const o = opener()
    const before = batches[2]?.before
    if (before === undefined) expect.fail('a later batch tells where it begins')
    o.resume(before)
    expect(o.open(at(batches, 2)).entries).to.have.length(4)
    const misled = opener()
    misled.resume({ ...before, frontier: before.frontier.map((hash) => hash.map((octet) => octet ^ 1)) })
    expect(codeOf(() => misled.open(at(batches, 2)))).to.equal('envelope.signature')
  })

  it('is as it was after every refused batch: mutations of each byte, then the real one', () => {
    const o = opener()
    o.open(at(batches, 0))
    const golden = at(batches, 1)
    let refused = 0
    for (const bytes of mutations(golden, signatureIn(golden))) {
      if (Buffer.compare(bytes, golden) === 0) continue
      try {
        o.open(bytes)
        expect.fail(`accepted ${toHex(bytes)}`)
      } catch (error) {
        expect(error, String(error)).to.satisfy(
          (e: unknown) => e instanceof DecodeError || e instanceof AuthError || e instanceof ProtocolError,
        )
        refused++
      }
    }
    expect(refused).to.be.greaterThan(golden.length * 2)
    expect(o.open(golden).entries).to.have.length(2)
  }).timeout(120_000)

  it('opens whatever frames were sealed (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }), async (all) => {
        const [batch] = await batchesOf([all.map((bytes, i) => frame(i, bytes))])
        const { entries } = opener().open(batch?.bytes ?? new Uint8Array(0))
        expect(entries.map((entry) => (entry.kind === 'frame' ? toHex(entry.bytes) : ''))).to.deep.equal(
          all.map((b) => toHex(b)),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('never trusts a key for what another signed', async () => {
    const [batch] = await batchesOf([frames(1)])
    const liar = new Opener({ key: () => OTHER_KEY.publicKey })
    expect(codeOf(() => liar.open(batch?.bytes ?? new Uint8Array(0)))).to.equal('envelope.signature')
    expect(trusting(KEY.publicKey)(OTHER_KEY.publicKey.fingerprint)).to.equal(undefined)
  })
})

/** The batch with other leaves behind the same signed root. */
function replaceLeaves(
  batch: Uint8Array,
  old: readonly Uint8Array[],
  leaves: readonly (Uint8Array | undefined)[],
): Uint8Array {
  const tail = encodeCbor([...old])
  const head = batch.subarray(0, batch.length - tail.length)
  return new Uint8Array([...head, ...encodeCbor(leaves.map((leaf) => leaf ?? new Uint8Array(0)))])
}
