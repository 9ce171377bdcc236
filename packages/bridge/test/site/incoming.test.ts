import { SigningKey } from '@gridseal/pqc'
import type { SealedBatch } from '@gridseal/envelope'
import { Sealer, encodeCheckpoint } from '@gridseal/envelope'
import { GridsealError } from '@gridseal/wire'
import { trusting } from '../support/trust.ts'
import { IncomingStream } from '#src/site/incoming.ts'
import type { IncomingOptions } from '#src/site/incoming.ts'
import { expect } from 'chai'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(1))

async function sealed(groups: number): Promise<SealedBatch[]> {
  const batches: SealedBatch[] = []
  const sealer = new Sealer({
    key,
    site: 's',
    direction: 'to-master',
    onBatch: (batch) => batches.push(batch),
    onError: (error) => {
      throw error
    },
  })
  for (let i = 0; i < groups; i++) {
    sealer.add([
      {
        kind: 'frame',
        link: 'l',
        connection: 1,
        direction: 'to-master',
        time: 1n,
        protocol: 'raw',
        bytes: Uint8Array.of(i),
      },
    ])
    await sealer.flush()
  }
  return batches
}

function receiver(keep?: IncomingOptions['keep']): { stream: IncomingStream; safe: number[] } {
  const safe: number[] = []
  const stream = new IncomingStream({
    signers: trusting(key.publicKey),
    now: () => 1n,
    site: 's',
    direction: 'to-master',
    class: 'live',
    keep,
    note: undefined,
    onSafe: (_, number) => safe.push(number),
    onFault: (_, error) => {
      throw error
    },
  })
  return { stream, safe }
}

function code(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof GridsealError ? error.code : String(error)
  }
  return 'accepted'
}

const bytesOf = (batches: readonly SealedBatch[], i: number): Uint8Array => batches[i]?.bytes ?? new Uint8Array(0)

describe('the stream that arrives', () => {
  it('refuses and counts a batch with a wrong signature, a replayed and a skipped one; acknowledges none of them', async () => {
    const batches = await sealed(3)
    const { stream, safe } = receiver()
    stream.open(bytesOf(batches, 0))
    const forged = Uint8Array.from(bytesOf(batches, 1))
    forged.set([(forged.at(-1) ?? 0) ^ 1], forged.length - 1)
    expect(code(() => stream.open(forged))).to.equal('envelope.signature')
    expect(code(() => stream.open(bytesOf(batches, 0)))).to.equal('envelope.replay')
    expect(code(() => stream.open(bytesOf(batches, 2)))).to.equal('envelope.gap')
    expect(stream.stats).to.include({ batches: 1, entries: 1, refused: 3 })
    expect(safe).to.deep.equal([0])
    stream.open(bytesOf(batches, 1))
    expect(safe).to.deep.equal([0, 1])
  })

  it('acknowledges a batch when it is in the journal and not before, and has settled then', async () => {
    const batches = await sealed(2)
    const kept: (() => void)[] = []
    const { stream, safe } = receiver(() => new Promise<void>((resolve) => kept.push(resolve)))
    for (const i of [0, 1]) stream.open(bytesOf(batches, i))
    let settled = false
    void stream.settled().then(() => (settled = true))
    await new Promise((later) => setTimeout(later, 10))
    expect([safe, settled]).to.deep.equal([[], false])
    kept[0]?.()
    await new Promise((later) => setTimeout(later, 10))
    expect([safe, settled]).to.deep.equal([[0], false])
    kept[1]?.()
    await stream.settled()
    expect(safe).to.deep.equal([0, 1])
  })

  it('takes a position that leads onward, over a gap; none that leads back', async () => {
    const batches = await sealed(3)
    const before = batches[2]?.before
    if (before === undefined) expect.fail('a later batch tells where it begins')
    const fresh = receiver().stream
    fresh.resume(encodeCheckpoint(before))
    expect(fresh.open(bytesOf(batches, 2)).entries).to.have.length(1)
    expect(code(() => fresh.resume(encodeCheckpoint(before)))).to.equal('bridge.position')
    const behind = receiver().stream
    behind.open(bytesOf(batches, 0))
    behind.resume(encodeCheckpoint(before))
    expect(behind.open(bytesOf(batches, 2)).entries).to.have.length(1)
  })
})
