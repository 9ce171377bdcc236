import type { FrameEntry } from '@gridseal/envelope'
import { Journal, verifyJournal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { StoredTraffic } from '#src/site/stored.ts'
import type { SiteSessionOptions } from '#src/site/session-options.ts'
import { BatchKeys } from '#src/signing/batch-keys.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(9))
const KIB = 1024

function frames(count: number, length: number): FrameEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const time = 1_700_000_000_000_000_000n + BigInt(i)
    const bytes = new Uint8Array(length).fill(i)
    return { kind: 'frame', link: 'l', connection: 0, direction: 'to-master', time, protocol: 'raw', bytes }
  })
}

interface Limits {
  readonly maxBacklog: number
  readonly unacknowledged: number
  readonly batchBytes: number
}

/** The kept traffic of a field bridge whose head-end never comes, and what its links are told. */
async function kept(
  folder: string,
  { maxBacklog, unacknowledged, batchBytes }: Limits,
): Promise<{ journal: Journal; traffic: StoredTraffic; paused: () => boolean }> {
  const journal = await Journal.open(folder, { sync: false })
  const keys = await BatchKeys.open(key, undefined, [], Date.now, () => undefined)
  const options = {
    journal,
    site: 's',
    inbound: 'to-master',
    keys,
    accept: { signers: [], successors: 'signed', overlap: 0 },
    limits: { batchEntries: 1024, batchBytes, batchDelay: 0, unacknowledged },
    store: { maxBacklog, whenFull: 'stop' },
    now: () => 1_700_000_000_000_000_000n,
  } satisfies Partial<SiteSessionOptions>
  let paused = false
  const traffic = await StoredTraffic.open(options as unknown as SiteSessionOptions, new Set(['urgent']), {
    deliver: () => true,
    waiting: undefined,
    acknowledge: () => undefined,
    pause: (_, now) => (paused = now),
    rotated: () => undefined,
    signers: { key: () => key.publicKey, takes: () => true },
    fault: (what, error) => expect.fail(`${what}: ${String(error)}`),
    say: () => undefined,
  })
  return { journal, traffic, paused: () => paused }
}

describe('the kept traffic of a site', () => {
  it('has the links stopped for as long as the backlog is full, also when the sealer has caught up', () =>
    withFolder(async (folder) => {
      const limits = { maxBacklog: 1024 * KIB, unacknowledged: 64 * 1024 * KIB, batchBytes: 256 * KIB }
      const { journal, traffic, paused } = await kept(folder, limits)
      // More than the sealer takes without asking to stop, then what finds the backlog full.
      traffic.add('urgent', frames(5 * 1024, KIB))
      traffic.add('urgent', frames(1, KIB))
      expect(paused()).to.equal(true)
      await until('all is sealed', () => traffic.stats.outgoing.urgent?.sealed === 5 * 1024 + 1)
      expect(paused()).to.equal(true)
      await traffic.close()
      await journal.close()
    }))

  it('is all in the journal when the bridge has stopped, however far the disk was behind', () =>
    withFolder(async (folder) => {
      const limits = { maxBacklog: 1024 * 1024 * KIB, unacknowledged: 64 * KIB, batchBytes: 16 * KIB }
      const { journal, traffic } = await kept(folder, limits)
      const append = journal.append.bind(journal)
      journal.append = async (batch, origin) => {
        const place = await append(batch, origin)
        await new Promise((resolve) => setTimeout(resolve, 50))
        return place
      }
      traffic.add('urgent', frames(400, KIB))
      await traffic.close()
      await journal.close()
      expect(await verifyJournal(folder, { keys: [key.publicKey] })).to.include({ frames: 400, failed: 0 })
    }))
})
