import type { FrameEntry, Lane, SealedBatch } from '@gridseal/envelope'
import { Journal, Sealer } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { StoredIncoming } from '#src/site/stored-incoming.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'
import { trusting } from '../support/trust.ts'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(4))
const lane = { site: 's', direction: 'to-master', class: 'bulk' } as const satisfies Lane

async function batchOf(count: number): Promise<SealedBatch> {
  const batches: SealedBatch[] = []
  const sealer = new Sealer({
    key,
    ...lane,
    onBatch: (batch) => batches.push(batch),
    onError: (error) => expect.fail(String(error)),
  })
  sealer.add(
    Array.from({ length: count }, (_, n): FrameEntry => {
      const bytes = Buffer.from(String(n))
      return { kind: 'frame', link: 'l', connection: 0, direction: 'to-master', time: 1n, protocol: 'raw', bytes }
    }),
  )
  await sealer.close()
  return batches[0] ?? expect.fail('a batch')
}

describe('kept traffic that arrives', () => {
  it('a restart in the middle of a batch goes on behind the entry that was delivered last', () =>
    withFolder(async (folder) => {
      const got: string[] = []
      let room = 4
      const open = async (): Promise<{ incoming: StoredIncoming; close: () => Promise<void> }> => {
        const journal = await Journal.open(folder, { sync: false })
        const incoming = await StoredIncoming.open({
          signers: trusting(key.publicKey),
          now: () => 1n,
          lane,
          journal,
          onSafe: () => undefined,
          deliver: (entry) => {
            if (room-- <= 0 || entry.kind !== 'frame') return false
            got.push(Buffer.from(entry.bytes).toString())
            return true
          },
          onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
        })
        incoming.start()
        const close = async (): Promise<void> => {
          await incoming.settled()
          incoming.close()
          await journal.close()
        }
        return { incoming, close }
      }
      const first = await open()
      first.incoming.open((await batchOf(10)).bytes)
      await until('four are delivered', () => got.length === 4)
      await new Promise((resolve) => setImmediate(resolve))
      await first.close()
      room = 100
      const second = await open()
      await until('the rest is', () => got.length >= 10)
      expect(got).to.deep.equal(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
      expect(second.incoming.backlog).to.be.at.most(1)
      await second.close()
    }))
})
