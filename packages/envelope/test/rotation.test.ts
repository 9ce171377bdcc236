import type { SealedBatch } from '@gridseal/envelope'
import { Journal, Opener, verifyJournal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { AuthError, ProtocolError, UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import { withFolder } from '../../../test/support/folders.ts'
import { KEY, OTHER_KEY, collecting, frames, opener, trusting } from './support/logs.ts'

const THIRD = SigningKey.fromSeed('ML-DSA-65', new Uint8Array(32).fill(9))

/** Two batches, a change of keys, two batches, another change, one batch. */
async function rotated(): Promise<SealedBatch[]> {
  const { sealer, batches } = collecting()
  const add = async (n: number): Promise<void> => {
    sealer.add(frames(2, n))
    await sealer.flush()
  }
  await add(0)
  await add(2)
  sealer.rotate(OTHER_KEY)
  await add(4)
  await add(6)
  sealer.rotate(THIRD)
  await add(8)
  expect(sealer.key).to.equal(THIRD)
  return batches
}

describe('a change of keys in mid-stream', () => {
  let batches: SealedBatch[]
  before(async () => {
    batches = await rotated()
  })

  it('is signed by the old key: who trusts only that one follows', () => {
    const o = opener()
    const opened = batches.map((batch) => o.open(batch.bytes))
    expect(opened.flatMap((b) => b.entries).map((e) => e.kind === 'frame' && e.bytes[0])).to.deep.equal([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ])
    expect(opened.map((b) => b.signer.algorithm)).to.include('ML-DSA-65')
    expect(opened.every((b) => b.joined)).to.equal(true)
    const changes = opened.filter((b) => b.successor !== undefined)
    expect(changes.map((b) => b.successor?.fingerprintText)).to.deep.equal([
      OTHER_KEY.publicKey.fingerprintText,
      THIRD.publicKey.fingerprintText,
    ])
    expect(changes.map((b) => b.signer.fingerprintText)).to.deep.equal([
      KEY.publicKey.fingerprintText,
      OTHER_KEY.publicKey.fingerprintText,
    ])
  })

  it('goes for the log that continues the old one, and for no other', async () => {
    const change = batches.findIndex((_, i) => {
      const o = opener()
      return (
        batches
          .slice(0, i + 1)
          .map((b) => o.open(b.bytes))
          .at(-1)?.successor !== undefined
      )
    })
    const foreign = await rotatedElsewhere()
    const o = opener()
    for (const batch of batches.slice(0, change + 1)) o.open(batch.bytes)
    expect(() => o.open(foreign.bytes))
      .to.throw(AuthError)
      .with.property('code', 'envelope.key.unknown')
    const stranger = new Opener({ key: trusting(OTHER_KEY.publicKey) })
    expect(() => stranger.open(batches[0]?.bytes ?? new Uint8Array(0))).to.throw(AuthError)
  })

  it('does not lead around the policy of algorithms', () => {
    const o = new Opener({ key: trusting(KEY.publicKey), algorithms: ['ML-DSA-44'] })
    const refused = batches.map((batch) => {
      try {
        o.open(batch.bytes)
        return 'opened'
      } catch (error) {
        return (error as AuthError).code
      }
    })
    expect(refused.at(-1)).to.equal('envelope.algorithm')
  })

  it('ends its log: nothing follows under the old key', async () => {
    const { sealer, batches: old } = collecting()
    sealer.add(frames(1))
    await sealer.flush()
    sealer.rotate(OTHER_KEY)
    expect(() => sealer.rotate(THIRD)).to.throw(UsageError)
    await sealer.flush()
    const o = opener()
    for (const batch of old) o.open(batch.bytes)
    const [first] = old
    expect(() => o.open(first?.bytes ?? new Uint8Array(0))).to.throw(ProtocolError)
  })

  it('survives that what waited is given up', async () => {
    const { sealer, batches: sealed } = collecting()
    sealer.add(frames(1))
    await sealer.flush()
    sealer.hold()
    sealer.add(frames(3, 1))
    sealer.rotate(OTHER_KEY)
    sealer.abandon('restart')
    sealer.release()
    sealer.add(frames(1, 9))
    await sealer.flush()
    const o = opener()
    const entries = sealed.flatMap((batch) => [...o.open(batch.bytes).entries])
    expect(entries.map((e) => e.kind === 'frame' && e.bytes[0])).to.deep.equal([0, 9])
    expect(sealer.key).to.equal(OTHER_KEY)
  })

  it('lets a journal be verified with the first key alone', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { sync: false, maxSegmentBytes: 6000 })
      for (const batch of batches) await journal.append(batch.bytes, batch.before)
      await journal.close()
      expect(await verifyJournal(folder, { keys: [KEY.publicKey] })).to.include({ failed: 0, frames: 10, unjoined: 0 })
      expect(await verifyJournal(folder, { keys: [THIRD.publicKey] })).to.include({ verified: 1 })
    }))
})

async function rotatedElsewhere(): Promise<SealedBatch> {
  const { sealer, batches } = collecting({ key: OTHER_KEY })
  sealer.add(frames(1))
  await sealer.flush()
  const [first] = batches
  if (first === undefined) expect.fail('a batch')
  return first
}
