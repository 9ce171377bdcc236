import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from '@gridseal/channel'
import type { FrameEntry, Lane, SealedBatch } from '@gridseal/envelope'
import { Journal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import { PORT_CONTROL, decodeControl } from '#src/site/control.ts'
import { IncomingStream } from '#src/site/incoming.ts'
import { OutgoingStream } from '#src/site/outgoing.ts'
import { SetBackWatch } from '#src/site/set-back.ts'
import type { Unjoined } from '#src/site/set-back.ts'
import { until } from '../support/pair.ts'
import { trusting } from '../support/trust.ts'
import { withFolder } from '../../../../test/support/folders.ts'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(6))
const lane = { site: 's', direction: 'to-master', class: 'live' } as const satisfies Lane
const now = (): bigint => BigInt(Date.now()) * 1_000_000n

/** The head-end's end of a live stream: verifies, and judges where a new log goes on. */
class Receiver {
  readonly said: Unjoined[] = []
  watch: SetBackWatch
  readonly stream = new IncomingStream({
    signers: trusting(key.publicKey),
    now,
    ...lane,
    keep: undefined,
    note: undefined,
    onSafe: () => undefined,
    onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
  })

  constructor(limit = 1 << 20) {
    this.watch = new SetBackWatch(limit)
  }

  take(bytes: Uint8Array): void {
    const unjoined = this.watch.opened(this.stream.open(bytes), bytes.length)
    if (unjoined !== undefined) this.said.push(unjoined)
  }
}

/** A field bridge's live stream and its journal, which may be slow; `kill` leaves of both what a SIGKILL leaves. */
class Sender {
  readonly #folder: string
  readonly #receiver: Receiver
  #journal!: Journal
  #stream!: OutgoingStream
  #channel: Channel | undefined
  /** The disk does not keep up: what is sealed now does not get there. */
  stuck = false
  /** Batches that are under way while this is a list. */
  delayed: Uint8Array[] | undefined
  sent = 0

  constructor(folder: string, receiver: Receiver) {
    this.#folder = folder
    this.#receiver = receiver
  }

  get directory(): string {
    return join(this.#folder, 'journal')
  }

  async start(): Promise<void> {
    this.stuck = false
    this.#journal = await Journal.open(this.directory, { sync: false })
    const journal = this.#journal
    const stream = new OutgoingStream({
      key,
      site: lane.site,
      direction: lane.direction,
      limits: {},
      window: 1 << 20,
      now,
      keep: (batch: SealedBatch) =>
        this.stuck ? new Promise(() => undefined) : journal.append(batch.bytes, batch.before),
      onKept: (log, treeSize) => this.#channel && this.#receiver.watch.kept(log, treeSize),
      onRotated: () => undefined,
      onPause: () => undefined,
      onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
    })
    this.#stream = stream
    const end = await journal.history.end(lane)
    if (end !== undefined) stream.recover(end)
    const channel = {
      drained: new Subject<void>(),
      send: (port: number, bytes: Uint8Array): boolean => {
        if (this.#channel !== channel) return true
        if (port !== PORT_CONTROL && this.delayed !== undefined) this.delayed.push(Uint8Array.from(bytes))
        else if (port !== PORT_CONTROL) this.#receiver.take(Uint8Array.from(bytes))
        else if (decodeControl(bytes).kind === 'position') expect.fail('the receiver has lost nothing')
        return true
      },
    } as unknown as Channel
    this.#channel = channel
    stream.attach(channel, this.#receiver.stream.position)
  }

  /** One frame, in a batch of its own. */
  async send(): Promise<void> {
    const { batches } = this.#receiver.stream.stats
    const bytes = Buffer.from(`frame ${this.sent++}`)
    const frame: FrameEntry = {
      kind: 'frame',
      link: 'a',
      connection: 1,
      direction: 'to-master',
      time: now(),
      protocol: 'raw',
      bytes,
    }
    this.#stream.add([frame])
    const under = this.delayed?.length
    const left = (): boolean =>
      under === undefined ? this.#receiver.stream.stats.batches === batches + 1 : this.delayed?.length === under + 1
    await until('it has left', left)
    if (!this.stuck) await until('it is on disk', () => this.#journal.stats.waitingBytes === 0)
  }

  arrive(): void {
    for (const bytes of this.delayed ?? []) this.#receiver.take(bytes)
    this.delayed = undefined
  }

  async kill(): Promise<void> {
    this.#channel = undefined
    await this.#stream.close()
    await this.#journal.close()
  }
}

const withPair = (use: (sender: Sender, receiver: Receiver, folder: string) => Promise<void>, limit?: number) => () =>
  withFolder(async (folder) => {
    const receiver = new Receiver(limit)
    const sender = new Sender(folder, receiver)
    await sender.start()
    try {
      await use(sender, receiver, folder)
    } finally {
      await sender.kill()
    }
  })

describe('a peer whose journal lacks what it has sent', () => {
  it(
    'was killed, if it never claimed to have it: a warning with what the kill has cost',
    withPair(async (sender, receiver) => {
      for (let i = 0; i < 5; i++) await sender.send()
      sender.stuck = true
      for (let i = 0; i < 3; i++) await sender.send()
      await sender.kill()
      await sender.start()
      await sender.send()
      const [said, ...more] = receiver.said
      expect(more).to.deep.equal([])
      expect(said).to.include({ level: 'warn', code: 'envelope.tail-lost' })
      expect(said?.details).to.include({ batches: 3, entries: 3, class: 'live' })
      expect(said?.what).to.match(/the last 3 batches \(3 entries, \d+ bytes\)/)
    }),
  )

  it(
    'was set back, if it had claimed to have it: an alarm, also for one batch',
    withPair(async (sender, receiver, folder) => {
      for (let i = 0; i < 5; i++) await sender.send()
      await sender.kill()
      await cp(sender.directory, join(folder, 'older'), { recursive: true })
      await sender.start()
      await sender.send()
      expect(receiver.said).to.deep.equal([])
      await sender.kill()
      await cp(join(folder, 'older'), sender.directory, { recursive: true, force: true })
      await sender.start()
      await sender.send()
      expect(receiver.said.map(({ level, code }) => [level, code])).to.deep.equal([['error', 'envelope.set-back']])
    }),
  )

  it(
    'was set back, if an older copy was put in the place of one that a kill had left behind',
    withPair(async (sender, receiver, folder) => {
      for (let i = 0; i < 2; i++) await sender.send()
      await sender.kill()
      await cp(sender.directory, join(folder, 'older'), { recursive: true })
      await sender.start()
      for (let i = 0; i < 2; i++) await sender.send()
      sender.stuck = true
      await sender.send()
      await sender.kill()
      await cp(join(folder, 'older'), sender.directory, { recursive: true, force: true })
      await sender.start()
      await sender.send()
      expect(receiver.said.map(({ code }) => code)).to.deep.equal(['envelope.set-back'])
    }),
  )

  it(
    'was set back beyond the window that a sender may be ahead of its disk, whatever it claims',
    withPair(async (sender, receiver) => {
      await sender.send()
      sender.stuck = true
      for (let i = 0; i < 4; i++) await sender.send()
      await sender.kill()
      await sender.start()
      await sender.send()
      expect(receiver.said.map(({ code }) => code)).to.deep.equal(['envelope.set-back'])
    }, 6000),
  )

  it(
    'is judged by our own journal where we have restarted since',
    withPair(async (sender, receiver) => {
      await sender.send()
      sender.stuck = true
      await sender.send()
      receiver.watch = new SetBackWatch(1 << 20)
      const { stream, next } = receiver.stream.position!
      receiver.watch.recover({ stream, treeSize: next + 1, root: new Uint8Array(32) })
      await sender.kill()
      await sender.start()
      await sender.send()
      expect(receiver.said.map(({ code }) => code)).to.deep.equal(['envelope.set-back'])
    }),
  )

  it(
    'was set back, if its claim had come before the batch itself',
    withPair(async (sender, receiver, folder) => {
      await sender.send()
      await sender.kill()
      await cp(sender.directory, join(folder, 'older'), { recursive: true })
      await sender.start()
      sender.delayed = []
      await sender.send()
      expect(receiver.stream.stats.batches).to.equal(1)
      sender.arrive()
      expect(receiver.stream.stats.batches).to.equal(2)
      await sender.kill()
      await cp(join(folder, 'older'), sender.directory, { recursive: true, force: true })
      await sender.start()
      await sender.send()
      expect(receiver.said.map(({ code }) => code)).to.deep.equal(['envelope.set-back'])
    }),
  )
})
