import { Subject } from 'rxjs'
import type { Channel } from '@gridseal/channel'
import type { FrameEntry, Lane, SequencedEntry } from '@gridseal/envelope'
import { Journal, verifyJournal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { PORT_CONTROL, decodeControl } from '#src/site/control.ts'
import { StoredIncoming } from '#src/site/stored-incoming.ts'
import { StoredOutgoing } from '#src/site/stored-outgoing.ts'
import { trusting } from '../support/trust.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { join } from 'node:path'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(5))
const HOUR = 3600
const OUTAGE = 13 * HOUR
/** Seconds of the virtual clock between two times that the devices speak. */
const STEP = 120

const lane = { site: 's', direction: 'to-master', class: 'normal' } as const satisfies Lane

/** Both ends of one kept stream, each with its journal, and a clock that only the test moves. */
class Site {
  /** Seconds since the beginning. */
  seconds = 0
  readonly delivered: string[] = []
  readonly said: string[] = []
  readonly #folder: string
  #fieldJournal!: Journal
  #headEndJournal!: Journal
  #out!: StoredOutgoing
  #in!: StoredIncoming
  #channel: Channel | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  get #now(): bigint {
    return 1_700_000_000_000_000_000n + BigInt(this.seconds) * 1_000_000_000n
  }

  get fieldBytes(): number {
    return this.#fieldJournal.stats.bytes
  }

  get backlog(): number {
    return this.#out.stats.backlog
  }

  get undelivered(): number {
    return this.#in.backlog
  }

  async startField(): Promise<void> {
    this.#fieldJournal = await Journal.open(join(this.#folder, 'field'), {
      sync: false,
      maxSegmentBytes: 1 << 20,
      keepBytes: 4 << 20,
      now: () => Number(this.#now / 1_000_000n),
    })
    this.#out = await StoredOutgoing.open({
      key,
      lane,
      journal: this.#fieldJournal,
      limits: {},
      window: 1 << 20,
      now: () => this.#now,
      onRotated: () => undefined,
      onPause: () => undefined,
      onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
      say: (_, code) => this.said.push(code),
    })
  }

  async startHeadEnd(): Promise<void> {
    this.#headEndJournal = await Journal.open(join(this.#folder, 'head-end'), { sync: false, maxSegmentBytes: 4 << 20 })
    this.#in = await StoredIncoming.open({
      signers: trusting(key.publicKey),
      now: () => this.#now,
      lane,
      journal: this.#headEndJournal,
      onSafe: (stream, number) => queueMicrotask(() => this.#channel && this.#out.acknowledge(stream, number)),
      deliver: (entry: SequencedEntry) => {
        // A slow output that now and then has no room.
        if (entry.kind !== 'frame' || Math.random() < 0.002) return entry.kind !== 'frame'
        this.delivered.push(Buffer.from(entry.bytes).toString('latin1'))
        return true
      },
      onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
    })
    this.#in.start()
  }

  async restartField(): Promise<void> {
    this.down()
    await this.#out.close()
    await this.#fieldJournal.close()
    await this.startField()
  }

  async restartHeadEnd(): Promise<void> {
    this.down()
    await this.#in.settled()
    this.#in.close()
    await this.#headEndJournal.close()
    await this.startHeadEnd()
  }

  /** The channel comes up: a message arrives in a later turn, or never once it is down again. */
  up(): void {
    const drained = new Subject<void>()
    const channel = {
      drained,
      send: (port: number, bytes: Uint8Array): boolean => {
        setImmediate(() => {
          if (this.#channel !== channel) return
          if (port === PORT_CONTROL) {
            const message = decodeControl(bytes)
            if (message.kind === 'position') this.#in.resume(message.checkpoint)
          } else this.#in.open(bytes)
        })
        return true
      },
    } as unknown as Channel
    this.#channel = channel
    this.#out.attach(channel, this.#in.position)
  }

  down(): void {
    this.#channel = undefined
    this.#out.detach()
  }

  /** The devices speak, one frame a second. */
  async speak(): Promise<void> {
    const entries = Array.from({ length: STEP }, (_, i): FrameEntry => {
      const bytes = Buffer.from(`reading at ${this.seconds + i} s`)
      return {
        kind: 'frame',
        link: 'meter',
        connection: 0,
        direction: 'to-master',
        time: this.#now,
        protocol: 'raw',
        bytes,
      }
    })
    const before = this.#fieldJournal.stats.records
    this.#out.add(entries)
    while (this.#fieldJournal.stats.records === before) await new Promise((resolve) => setImmediate(resolve))
    this.seconds += STEP
  }

  async close(): Promise<void> {
    this.down()
    await this.#out.close()
    this.#in.close()
    await this.#fieldJournal.close()
    await this.#headEndJournal.close()
  }
}

const wait = async (what: string, check: () => boolean): Promise<void> => {
  const deadline = Date.now() + 20_000
  while (!check()) {
    if (Date.now() > deadline) expect.fail(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('an outage of thirteen hours', () => {
  it('loses nothing, doubles nothing, keeps the order and a bounded disk, restarts of both sides included', () =>
    withFolder(async (folder) => {
      const site = new Site(folder)
      await site.startField()
      await site.startHeadEnd()
      site.up()
      while (site.seconds < HOUR) await site.speak()
      await wait('all before the outage is acknowledged', () => site.backlog === 0)
      site.down()
      let most = 0
      while (site.seconds < HOUR + OUTAGE) {
        await site.speak()
        most = Math.max(most, site.fieldBytes)
        if (site.seconds % (4 * HOUR) === 0) await site.restartField()
      }
      expect(site.backlog).to.equal(OUTAGE / STEP)
      // It comes back, and breaks again and again while it makes up for the time.
      for (let i = 0; i < 6; i++) {
        site.up()
        await new Promise((resolve) => setTimeout(resolve, 40))
        site.down()
        if (i === 2) await site.restartHeadEnd()
        if (i === 4) await site.restartField()
        await site.speak()
      }
      site.up()
      await wait('everything is acknowledged', () => site.backlog === 0)
      await wait('everything is delivered', () => site.undelivered === 0)
      expect(site.delivered.length).to.equal(site.seconds)
      expect(site.delivered).to.deep.equal(Array.from({ length: site.seconds }, (_, i) => `reading at ${i} s`))
      // 46 800 frames at some 160 bytes with their share of a signature, besides what retention is told to keep.
      expect(most).to.be.lessThan(16 << 20)
      // The backlog is gone: retention has its way again.
      for (let i = 0; i < 40; i++) await site.speak()
      await wait('all is acknowledged', () => site.backlog === 0)
      expect(site.fieldBytes).to.be.lessThan(6 << 20)
      expect(site.said).to.deep.equal([])
      await wait('everything is delivered', () => site.undelivered === 0)
      await site.close()
      const report = await verifyJournal(join(folder, 'head-end'), { keys: [key.publicKey] })
      expect(report).to.include({ failed: 0, unjoined: 0, behind: 0, frames: site.seconds })
    })).timeout(60_000)
})
