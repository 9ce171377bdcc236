import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from '@gridseal/channel'
import type { FrameEntry, Lane } from '@gridseal/envelope'
import { Journal, Opener, Sealer, decodeCheckpoint } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import { PORT_CONTROL, decodeControl } from '#src/site/control.ts'
import { StoredOutgoing } from '#src/site/stored-outgoing.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(6))
const lane = { site: 's', direction: 'to-master', class: 'normal' } as const satisfies Lane
const NOW = 1_700_000_000_000_000_000n
const HOUR = 3_600_000_000_000n

const frame = (n: number): FrameEntry => ({
  kind: 'frame',
  link: 'meter',
  connection: 0,
  direction: 'to-master',
  time: NOW,
  protocol: 'raw',
  bytes: Buffer.from(String(n)),
})

/** A receiver that has a younger log of the stream than the sender's journal knows, and a channel to it. */
class Receiver {
  readonly opener = new Opener({ key: () => key.publicKey, ...lane })
  readonly got: string[] = []

  async learn(): Promise<void> {
    const sealer = new Sealer({
      key,
      ...lane,
      now: () => NOW + HOUR,
      onBatch: (batch) => this.opener.open(batch.bytes),
      onError: (error) => expect.fail(String(error)),
    })
    sealer.add([frame(99)])
    await sealer.close()
  }

  channel(): Channel {
    const send = (port: number, bytes: Uint8Array): boolean => {
      if (port === PORT_CONTROL) {
        const message = decodeControl(bytes)
        if (message.kind === 'position') this.opener.resume(decodeCheckpoint(message.checkpoint))
      } else {
        const { entries } = this.opener.open(bytes)
        for (const entry of entries) if (entry.kind === 'frame') this.got.push(Buffer.from(entry.bytes).toString())
      }
      return true
    }
    return { drained: new Subject<void>(), send } as unknown as Channel
  }
}

async function open(folder: string): Promise<{ journal: Journal; out: StoredOutgoing; close: () => Promise<void> }> {
  const journal = await Journal.open(folder, { sync: false })
  const out = await StoredOutgoing.open({
    key,
    lane,
    journal,
    limits: { maxEntries: 1 },
    window: 1 << 20,
    now: () => NOW,
    onRotated: () => undefined,
    onPause: () => undefined,
    onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
    say: () => undefined,
  })
  const close = async (): Promise<void> => {
    await out.close()
    await journal.close()
  }
  return { journal, out, close }
}

const all = ['0', '1', '2', '3', '4', '5']

/** A journal with six batches of one frame, which the receiver takes for older than what it has. */
async function stale(folder: string): Promise<Receiver> {
  const { out, close } = await open(folder)
  out.add(all.map((_, n) => frame(n)))
  await close()
  const receiver = new Receiver()
  await receiver.learn()
  return receiver
}

describe('what a receiver does not take because its log is too old', () => {
  it('is sealed again, all of it, in order', () =>
    withFolder(async (folder) => {
      const receiver = await stale(folder)
      const { out, close } = await open(folder)
      out.attach(receiver.channel(), receiver.opener.position)
      await until('all arrive', () => receiver.got.length >= 6)
      expect(receiver.got).to.deep.equal(all)
      await close()
    }))

  it('stays in the queue until what was sealed again is on disk: a crash in between loses nothing', () =>
    withFolder(async (root) => {
      const folder = join(root, 'journal')
      const receiver = await stale(folder)
      const { journal, out, close } = await open(folder)
      // The disk takes two more batches and then nothing.
      const append = journal.append.bind(journal)
      let room = 2
      const waiting: (() => void)[] = []
      journal.append = async (batch, origin) => {
        if (room-- <= 0) await new Promise<void>((resolve) => waiting.push(resolve))
        return append(batch, origin)
      }
      out.attach(receiver.channel(), receiver.opener.position)
      await until('it waits for the disk', () => waiting.length > 0)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(receiver.got, 'nothing leaves before all that is older is safe').to.deep.equal([])
      // What a SIGKILL would leave now.
      const left = join(root, 'left')
      await cp(folder, left, { recursive: true, filter: (path) => !path.endsWith('lock') })
      out.detach()
      room = 1000
      for (const go of waiting) go()
      await close()

      const again = await open(left)
      again.out.attach(receiver.channel(), receiver.opener.position)
      await until('all arrive', () => new Set(receiver.got).size >= 6)
      expect([...new Set(receiver.got)].sort()).to.deep.equal(all)
      await again.close()
    }))

  it('is sealed once, however often the channel breaks meanwhile', () =>
    withFolder(async (folder) => {
      const receiver = await stale(folder)
      const { journal, out, close } = await open(folder)
      const append = journal.append.bind(journal)
      const waiting: (() => void)[] = []
      journal.append = async (batch, origin) => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return append(batch, origin)
      }
      for (let i = 0; i < 3; i++) {
        out.attach(receiver.channel(), receiver.opener.position)
        await new Promise((resolve) => setTimeout(resolve, 10))
        out.detach()
      }
      out.attach(receiver.channel(), receiver.opener.position)
      await until('all arrive', () => {
        for (const go of waiting.splice(0)) go()
        return receiver.got.length >= 6
      })
      expect(receiver.got).to.deep.equal(all)
      await close()
    }))
})
