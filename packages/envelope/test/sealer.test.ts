import type { SigningKey } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import { Sealer } from '@gridseal/envelope'
import { expect } from 'chai'
import { KEY, batchesOf, collecting, frame, frames, opener, trusting } from './support/logs.ts'
import { Opener } from '@gridseal/envelope'

/** A key whose signatures come when the test says so. */
function slowKey(): { key: SigningKey; release: () => void; asked: () => number } {
  const waiting: (() => void)[] = []
  let asked = 0
  const key = Object.create(KEY, {
    sign: {
      value: async (message: Uint8Array) => {
        asked++
        await new Promise<void>((resolve) => waiting.push(resolve))
        return KEY.sign(message)
      },
    },
    algorithm: { value: KEY.algorithm },
    publicKey: { value: KEY.publicKey },
  }) as SigningKey
  return { key, release: () => waiting.shift()?.(), asked: () => asked }
}

async function until(check: () => boolean): Promise<void> {
  for (let tries = 0; !check() && tries < 2000; tries++) await turn()
  expect(check()).to.equal(true)
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

describe('the sealer: group commit', () => {
  it('signs a lone frame at once, in a batch of the log header and the frame', async () => {
    const { sealer, batches } = collecting()
    sealer.add([frame(1)])
    await sealer.flush()
    expect(batches.map(({ number, treeSize, entries }) => ({ number, treeSize, entries }))).to.deep.equal([
      { number: 0, treeSize: 2, entries: 1 },
    ])
  })

  it('gathers what arrives while a signature is under way into the next batch', async () => {
    const slow = slowKey()
    const { sealer, batches } = collecting({ key: slow.key })
    sealer.add([frame(0)])
    for (let i = 1; i <= 50; i++) sealer.add([frame(i)])
    await until(() => slow.asked() === 1)
    slow.release()
    await until(() => slow.asked() === 2)
    slow.release()
    await sealer.flush()
    expect(batches.map((batch) => batch.entries)).to.deep.equal([1, 50])
    expect(sealer.stats).to.include({ batches: 2, entries: 51, logs: 1 })
  })

  it('cuts a flood into batches of at most maxEntries and maxBytes', async () => {
    const byEntries = collecting({ limits: { maxEntries: 10 } })
    byEntries.sealer.add(frames(35))
    await byEntries.sealer.flush()
    expect(byEntries.batches.map((batch) => batch.entries)).to.deep.equal([10, 10, 10, 5])
    const byBytes = collecting({ limits: { maxBytes: 3 * 164 } })
    byBytes.sealer.add(Array.from({ length: 7 }, (_, i) => frame(i, new Uint8Array(100))))
    await byBytes.sealer.flush()
    expect(byBytes.batches.map((batch) => batch.entries)).to.deep.equal([3, 3, 1])
    const byLeast = collecting({ limits: { maxBytes: 1 } })
    byLeast.sealer.add(frames(3))
    await byLeast.sealer.flush()
    expect(byLeast.batches.map((batch) => batch.entries)).to.deep.equal([1, 1, 1])
  })

  it('cuts a flood of short frames of links with long names, so that no batch outgrows a message', async () => {
    const { sealer, batches } = collecting({ limits: { maxEntries: 100_000, maxBytes: 100_000 } })
    const link = 'Υποσταθμός'.repeat(20)
    sealer.add(frames(3000).map((entry) => ({ ...entry, link })))
    await sealer.flush()
    for (const { bytes } of batches) expect(bytes.length).to.be.lessThan(2 * 100_000)
    expect(batches.reduce((sum, { entries }) => sum + entries, 0)).to.equal(3000)
    expect(sealer.pendingBytes).to.equal(0)
  })

  it('asks to stop above maxPending and says when there is room again; nothing is lost', async () => {
    const slow = slowKey()
    let relieved = 0
    const { sealer, batches } = collecting({
      key: slow.key,
      limits: { maxPending: 10 * 66, maxEntries: 4 },
      onRelief: () => relieved++,
    })
    expect(sealer.add(frames(4))).to.equal(true)
    expect(sealer.add(frames(10, 4))).to.equal(true)
    expect(sealer.add(frames(1, 14))).to.equal(false)
    expect(relieved).to.equal(0)
    for (let i = 1; i <= 4; i++) {
      await until(() => slow.asked() === i)
      slow.release()
    }
    await sealer.flush()
    expect(relieved).to.equal(1)
    expect(batches.reduce((sum, batch) => sum + batch.entries, 0)).to.equal(15)
  })

  it('waits maxDelay for company where that is wanted', async () => {
    const { sealer, batches } = collecting({ limits: { maxDelay: 20 } })
    sealer.add([frame(0)])
    sealer.add([frame(1)])
    expect(batches).to.have.length(0)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await sealer.flush()
    expect(batches.map((batch) => batch.entries)).to.deep.equal([2])
  })

  it('seals nothing while held', async () => {
    const { sealer, batches } = collecting()
    sealer.hold()
    sealer.add(frames(3))
    await turn()
    expect(batches).to.have.length(0)
    sealer.release()
    await sealer.flush()
    expect(batches.map((batch) => batch.entries)).to.deep.equal([3])
  })

  it('closes while held: what waits is left unsealed, nobody hangs', async () => {
    const slow = slowKey()
    const { sealer, batches } = collecting({ key: slow.key })
    sealer.add([frame(0)])
    sealer.add([frame(1)])
    const closed = sealer.close()
    sealer.hold()
    slow.release()
    await closed
    expect(batches.map((batch) => batch.entries)).to.deep.equal([1])
  })

  it('abandons what is not handed out, the batch being signed included, and goes on in a new log', async () => {
    const slow = slowKey()
    const { sealer, batches } = collecting({ key: slow.key })
    sealer.add(frames(2))
    slow.release()
    await until(() => batches.length === 1)
    sealer.add(frames(1, 2))
    sealer.add(frames(5, 3))
    sealer.abandon('restart')
    sealer.add([frame(99)])
    for (let i = 2; i <= 3; i++) {
      await until(() => slow.asked() === i)
      slow.release()
    }
    await sealer.flush()
    const o = opener()
    const entries = batches.flatMap((batch) => o.open(batch.bytes).entries)
    expect(entries.map((entry) => entry.time - frame(0).time)).to.deep.equal([0n, 1n, 99n])
    expect(batches.map((batch) => batch.number)).to.deep.equal([0, 0])
  })

  it('dates its logs after what the opener knows already', async () => {
    const known = 1_800_000_000_000_000_000n
    const { sealer, batches } = collecting({ now: () => 5n })
    sealer.datedAfter(known)
    sealer.add([frame(0)])
    await sealer.flush()
    expect(opener().open(batches[0]?.bytes ?? new Uint8Array(0)).log?.created).to.equal(known + 1n)
  })

  it('begins a new log by size, joined to the one before', async () => {
    const batches = await batchesOf([frames(3), frames(3, 3), frames(3, 6)], { limits: { maxLogEntries: 6 } })
    expect(batches.map((batch) => batch.number)).to.deep.equal([0, 1, 0])
    const o = opener()
    const opened = batches.map((batch) => o.open(batch.bytes))
    expect(opened.map((batch) => batch.log?.reason)).to.deep.equal(['start', undefined, 'size'])
    expect(opened[2]?.joined).to.equal(true)
    expect(toHex(opened[2]?.log?.previous?.root ?? new Uint8Array(0))).to.equal(
      toHex(opened[1]?.root ?? new Uint8Array(0)),
    )
  })

  it('begins a new log by age', async () => {
    let now = 1_700_000_000_000_000_000n
    const { sealer, batches } = collecting({ now: () => now, limits: { maxLogAge: 1000 } })
    sealer.add([frame(0)])
    await sealer.flush()
    now += 1_000_000_000n
    sealer.add([frame(1)])
    await sealer.flush()
    expect(batches.map((batch) => batch.number)).to.deep.equal([0, 0])
  })

  it('dates each log later than the last, also when the clock steps back', async () => {
    let now = 1_700_000_000_000_000_000n
    const { sealer, batches } = collecting({ now: () => now })
    sealer.add([frame(0)])
    await sealer.flush()
    now -= 3_600_000_000_000n
    sealer.startLog('test')
    sealer.add([frame(1)])
    await sealer.flush()
    const o = opener()
    for (const batch of batches) o.open(batch.bytes)
    expect(o.position?.next).to.equal(1)
  })

  it('stops for good and says so when signing fails', async () => {
    const broken = Object.create(KEY, {
      sign: { value: () => Promise.reject(new UsageError('test.broken', 'no')) },
      algorithm: { value: KEY.algorithm },
      publicKey: { value: KEY.publicKey },
    }) as SigningKey
    const errors: unknown[] = []
    const sealer = new Sealer({
      key: broken,
      site: 's',
      direction: 'to-device',
      onBatch: () => expect.fail('no batch may come out'),
      onError: (error) => errors.push(error),
    })
    sealer.add([frame(0)])
    await sealer.flush()
    expect(errors).to.have.length(1)
    expect(() => sealer.add([frame(1)]))
      .to.throw(UsageError)
      .with.property('code', 'envelope.sealer.ended')
  })

  it('signs with whatever algorithm the key has', async () => {
    const { SigningKey: Key } = await import('@gridseal/pqc')
    const key = Key.fromSeed('ML-DSA-87', new Uint8Array(32).fill(1))
    const [batch] = await batchesOf([frames(1)], { key })
    const opened = new Opener({ key: trusting(key.publicKey) }).open(batch?.bytes ?? new Uint8Array(0))
    expect(opened.signer.algorithm).to.equal('ML-DSA-87')
  })
})
