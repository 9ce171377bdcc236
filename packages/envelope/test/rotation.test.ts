import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogPosition, SealedBatch, Sealer } from '@gridseal/envelope'
import {
  CborWriter,
  Frontier,
  Journal,
  Opener,
  Signers,
  cutSuccession,
  decodeCheckpoint,
  encodeCheckpoint,
  followSuccessions,
  verifyJournal,
  verifySuccession,
} from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { AuthError, GridsealError, ProtocolError, UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import { encodeBatch } from '#src/batch.ts'
import { encodeRootHeader, toBeSigned } from '#src/cose.ts'
import { writeEntryLeaf } from '#src/leaf.ts'
import { withFolder } from '../../../test/support/folders.ts'
import { KEY, OTHER_KEY, collecting, frame, frames, opener, trusting } from './support/logs.ts'

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

/** A batch of one frame that goes on from a position. */
async function continued(position: LogPosition): Promise<Uint8Array> {
  const { stream, next: number, treeSize, root } = position
  const leaf = new CborWriter()
  writeEntryLeaf(leaf, frame(9), treeSize)
  const frontier = Frontier.from(treeSize, position.frontier)
  frontier.append(leaf.view())
  const { algorithm, fingerprint: keyId } = KEY.publicKey
  const header = encodeRootHeader({
    algorithm,
    keyId,
    stream,
    number,
    treeSize: frontier.size,
    previousRoot: root,
  })
  const signature = await KEY.sign(toBeSigned(header, frontier.root()))
  return encodeBatch(header, signature, new CborWriter().bytes(leaf.view()).finish(), 1)
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
    const { position } = o
    if (position === undefined) expect.fail('it stands somewhere')
    // All that a log's next batch must be, signed by a key that is trusted still.
    const more = await continued(position)
    const before = opener()
    before.resume(decodeCheckpoint(encodeCheckpoint(position)))
    expect(before.open(more).number, 'without the change it would follow').to.equal(position.next)
    expect(() => o.open(more))
      .to.throw(ProtocolError)
      .with.property('code', 'envelope.log-ended')
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

const began = 1_700_000_000_000_000_000n
const ms = (n: number): bigint => BigInt(n) * 1_000_000n

/** The sealer of a sender that has restarted and signs with the new key. */
function restarted(before: Sealer): ReturnType<typeof collecting> {
  const after = collecting({ key: OTHER_KEY })
  if (before.logEnd !== undefined) after.sealer.continueFrom(before.logEnd, before.created)
  return after
}

/** The receipt of a change from one key to another, made at `time`. */
async function change(from: SigningKey, to: SigningKey, time = began): Promise<Uint8Array> {
  const { sealer, batches } = collecting({ key: from, now: () => time })
  sealer.add(frames(3))
  await sealer.flush()
  sealer.add(frames(2))
  sealer.rotate(to)
  await sealer.flush()
  const last = batches.find(({ successor }) => successor !== undefined)
  const receipt = last && cutSuccession(last.bytes, last.before)
  if (receipt === undefined) expect.fail('a change of keys')
  return receipt
}

describe('the receipt of a change of keys', () => {
  it('proves the new key with the old one, and nothing with another', async () => {
    const receipt = await change(KEY, THIRD)
    const { key, signer } = verifySuccession(receipt, trusting(KEY.publicKey))
    expect(key.fingerprintText).to.equal(THIRD.publicKey.fingerprintText)
    expect(signer.fingerprintText).to.equal(KEY.publicKey.fingerprintText)
    expect(() => verifySuccession(receipt, trusting(OTHER_KEY.publicKey))).to.throw(/no trusted key/)
    for (let at = 0; at < receipt.length; at += 7) {
      const altered = Uint8Array.from(receipt)
      altered[at]! ^= 1
      expect(() => verifySuccession(altered, trusting(KEY.publicKey)), `octet ${at}`).to.throw(GridsealError)
    }
  })

  it('is not taken from a leaf of another kind', async () => {
    const { sealer, batches } = collecting()
    sealer.add(frames(1))
    await sealer.flush()
    const [first] = batches
    expect(cutSuccession(first?.bytes ?? new Uint8Array(0), undefined)).to.equal(undefined)
  })

  it('leads on from receipt to receipt, whatever their order; what nobody trusted has signed is left out', async () => {
    const receipts = [await change(OTHER_KEY, THIRD), await change(KEY, OTHER_KEY), new Uint8Array(40)]
    const led = followSuccessions(receipts, [KEY.publicKey]).map(({ succession }) => succession.key.fingerprintText)
    expect(led).to.deep.equal([OTHER_KEY.publicKey.fingerprintText, THIRD.publicKey.fingerprintText])
    expect(followSuccessions(receipts.slice(0, 1), [KEY.publicKey])).to.have.length(0)
  })

  it('lets a journal be verified with the first key after the change itself was removed', () =>
    withFolder(async (folder) => {
      const { sealer, batches } = collecting()
      sealer.add(frames(4))
      sealer.rotate(OTHER_KEY)
      sealer.add(frames(4))
      await sealer.flush()
      const last = batches.find(({ successor }) => successor !== undefined)
      const journal = await Journal.open(folder, { maxSegmentBytes: 2000, keepBytes: 6500 })
      const receipt = last && cutSuccession(last.bytes, last.before)
      if (receipt === undefined) expect.fail('a change of keys')
      await journal.addSuccession(receipt, OTHER_KEY.publicKey)
      for (const batch of batches) await journal.append(batch.bytes, batch.before)
      // The sender restarts and signs with the new key from the beginning.
      const after = restarted(sealer)
      after.sealer.add(frames(4))
      await after.sealer.flush()
      for (const batch of after.batches) await journal.append(batch.bytes, batch.before)
      await journal.retain()
      expect(journal.stats.removed).to.be.greaterThan(0)
      await journal.close()
      expect(await verifyJournal(folder, { keys: [KEY.publicKey] })).to.include({ failed: 0, verified: 2, frames: 8 })
      await rm(join(folder, `${Buffer.from(OTHER_KEY.publicKey.fingerprint).toString('hex')}.succession`))
      const { firstFailure } = await verifyJournal(folder, { keys: [KEY.publicKey] })
      expect(firstFailure?.code).to.equal('envelope.key.unknown')
    }))

  it('and after a restart of the sender, whose new log its new key signs from the beginning', () =>
    withFolder(async (folder) => {
      const { sealer, batches } = collecting()
      sealer.add(frames(2))
      sealer.rotate(OTHER_KEY)
      sealer.add(frames(2))
      await sealer.flush()
      const after = restarted(sealer)
      after.sealer.add(frames(2))
      await after.sealer.flush()
      const journal = await Journal.open(folder)
      for (const batch of [...batches, ...after.batches]) await journal.append(batch.bytes, batch.before)
      await journal.close()
      expect(await verifyJournal(folder, { keys: [KEY.publicKey] })).to.include({ failed: 0, frames: 6, unjoined: 0 })
    }))
})

describe('who may sign the logs of a peer', () => {
  const code = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return (error as GridsealError).code
    }
  }
  const anchor = KEY.publicKey
  const knows = (signers: Signers, key: SigningKey, at: bigint): boolean =>
    signers.key(key.publicKey.fingerprint, at) !== undefined

  it('the pinned identity, and listed keys within their windows', () => {
    const signers = new Signers({ anchor, listed: [{ key: OTHER_KEY.publicKey, from: 1000, until: 2000 }] })
    expect(knows(signers, KEY, 0n)).to.equal(true)
    expect([999, 1000, 1999, 2000].map((at) => knows(signers, OTHER_KEY, ms(at)))).to.deep.equal([
      false,
      true,
      true,
      false,
    ])
    expect(knows(signers, THIRD, ms(1500))).to.equal(false)
  })

  it('successors, if policy follows them', async () => {
    const receipt = await change(KEY, OTHER_KEY)
    const signed = new Signers({ anchor })
    expect(signed.accept(receipt)?.key.fingerprintText).to.equal(OTHER_KEY.publicKey.fingerprintText)
    expect(signed.accept(receipt), 'known already').to.equal(undefined)
    expect(knows(signed, OTHER_KEY, began)).to.equal(true)
    const listed = new Signers({ anchor, successors: 'listed' })
    expect(code(() => listed.accept(receipt))).to.equal('envelope.successor')
    expect(knows(listed, OTHER_KEY, began)).to.equal(false)
    const other = new Signers({ anchor, algorithms: ['ML-DSA-65'] })
    expect(code(() => other.accept(receipt))).to.equal('envelope.algorithm')
    const stranger = new Signers({ anchor: THIRD.publicKey })
    expect(code(() => stranger.accept(receipt))).to.equal('envelope.key.unknown')
  })

  it('no key that has had its successor for longer than the overlap, but always the identity', async () => {
    const signers = new Signers({ anchor, overlap: 1000 })
    signers.accept(await change(KEY, OTHER_KEY))
    signers.accept(await change(OTHER_KEY, THIRD))
    expect(knows(signers, OTHER_KEY, began + ms(999))).to.equal(true)
    expect(knows(signers, OTHER_KEY, began + ms(1000))).to.equal(false)
    expect(knows(signers, KEY, began + ms(10_000))).to.equal(true)
    expect(knows(signers, THIRD, began + ms(10_000))).to.equal(true)
    const { batches } = await stolen(began + ms(2000))
    const o = new Opener({ key: (id, at) => signers.key(id, at) })
    expect(code(() => o.open(batches[0]?.bytes ?? new Uint8Array(0)))).to.equal('envelope.key.unknown')
  })

  it('and a change that policy refuses leads nowhere, in the stream either', async () => {
    const batches = await rotated()
    const o = new Opener({ key: trusting(KEY.publicKey), follow: () => false })
    const results = batches.map((batch) => code(() => o.open(batch.bytes).entries.length))
    expect(results.at(-1)).to.equal('envelope.key.unknown')
    expect(results[0]).to.equal(2)
  })
})

/** What a thief of the retired key makes. */
async function stolen(time: bigint): Promise<{ batches: SealedBatch[] }> {
  const { sealer, batches } = collecting({ key: OTHER_KEY, now: () => time })
  sealer.add(frames(1))
  await sealer.flush()
  return { batches }
}

async function rotatedElsewhere(): Promise<SealedBatch> {
  const { sealer, batches } = collecting({ key: OTHER_KEY })
  sealer.add(frames(1))
  await sealer.flush()
  const [first] = batches
  if (first === undefined) expect.fail('a batch')
  return first
}
