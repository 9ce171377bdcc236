import type { Direction } from '@gridseal/adapter'
import type { Channel } from '@gridseal/channel'
import type { FrameEntry } from '@gridseal/envelope'
import { Journal, Sealer } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import type { BridgeEvent } from '@gridseal/bridge'
import { parseConfig } from '@gridseal/bridge'
import type { FieldConfig } from '#src/config/model.ts'
import type { LinkEnd } from '#src/link/end.ts'
import { newCounters } from '#src/link/end.ts'
import { BatchKeys } from '#src/signing/batch-keys.ts'
import { PORT_BATCH, encodeControl } from '#src/site/control.ts'
import { GapRequests } from '#src/site/gap-requests.ts'
import { SiteSession } from '#src/site/session.ts'
import { join } from 'node:path'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'

const NOW = 1_700_000_000_000_000_000n

/** A link's end that the test speaks through and that remembers what it was given. */
class End {
  readonly got: string[] = []
  readonly entries = new Subject<readonly FrameEntry[]>()
  readonly end: LinkEnd

  constructor() {
    const nothing = (): void => undefined
    this.end = {
      id: 'meter',
      counters: newCounters(),
      entries: this.entries,
      credits: new Subject(),
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      deliver: (entry) => entry.kind === 'frame' && this.got.push(Buffer.from(entry.bytes).toString()),
      offer: (entry) => entry.kind === 'frame' && this.got.push(Buffer.from(entry.bytes).toString()) > 0,
      refuse: nothing,
      credit: nothing,
      restate: nothing,
      peerRestarted: nothing,
      setPaused: nothing,
      setFarSide: nothing,
    }
  }

  say(n: number): void {
    const bytes = Buffer.from(String(n))
    this.entries.next([
      { kind: 'frame', link: 'meter', connection: 0, direction: 'to-master', time: NOW, protocol: 'raw', bytes },
    ])
  }
}

/** Two ends of a channel; `lose` tells which messages of the first end never arrive. */
function channels(lose: (port: number) => boolean): [Channel, Channel] {
  const messages = [
    new Subject<{ port: number; bytes: Uint8Array }>(),
    new Subject<{ port: number; bytes: Uint8Array }>(),
  ]
  const { promise: closed, resolve } = Promise.withResolvers<{ kind: string }>()
  const end = (own: number): Channel =>
    ({
      messages: messages[own],
      drained: new Subject<void>(),
      closed,
      send: (port: number, bytes: Uint8Array) => {
        const copy = Uint8Array.from(bytes)
        if (own === 1 || !lose(port)) setImmediate(() => messages[1 - own]?.next({ port, bytes: copy }))
        return true
      },
      close: () => Promise.resolve(resolve({ kind: 'closed' })),
    }) as unknown as Channel
  return [end(0), end(1)]
}

const KEYS = [1, 2].map((fill) => SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(fill)))

async function session(
  inbound: Direction,
  end: End,
  events: BridgeEvent[],
  journal: Journal | undefined,
  store?: 'normal',
  unacknowledged: number = 8 << 20,
): Promise<SiteSession> {
  const [own, peer] = inbound === 'to-master' ? KEYS : [...KEYS].reverse()
  if (own === undefined || peer === undefined) expect.fail('keys')
  const defaults = parseConfig(
    JSON.stringify({
      role: 'field',
      site: 's',
      identity: 'k',
      channel: { connect: 'tcp://127.0.0.1:1', peer: 'p' },
      links: [{ id: 'meter', protocol: 'raw', device: 'udp://127.0.0.1:1' }],
    }),
    'test',
  ) as FieldConfig
  const report = (event: BridgeEvent): void => void events.push(event)
  const created = new SiteSession({
    site: 's',
    inbound,
    keys: await BatchKeys.open(own, undefined, [], () => 0, report),
    peer: peer.publicKey,
    accept: defaults.channel.accept,
    listed: [],
    receipts: [],
    journal,
    links: [
      {
        end: end.end,
        policy: undefined,
        maxAge: Number.POSITIVE_INFINITY,
        store: store && (inbound === 'to-master' ? store : undefined),
      },
    ],
    groupEnds: [],
    groups: [],
    limits: { ...defaults.limits, batchEntries: 1, unacknowledged },
    store: defaults.store,
    holdConnections: 60_000,
    now: () => NOW,
    report,
    onFault: (error) => expect.fail(String(error)),
  })
  await created.start()
  return created
}

const all = Array.from({ length: 12 }, (_, n) => String(n))

async function withGap(lose: (port: number) => boolean, journal?: string, store?: 'normal'): Promise<BridgeEvent[]> {
  const [field, headEnd, events] = [new End(), new End(), [] as BridgeEvent[]]
  const journals = await Promise.all(
    ['field', 'head-end'].map((name) => (journal === undefined ? undefined : Journal.open(join(journal, name)))),
  )
  const one = await session('to-master', field, events, journals[0], store)
  const two = await session('to-device', headEnd, events, journals[1], store)
  const [a, b] = channels(lose)
  const ended = [one.attach(a, () => undefined), two.attach(b, () => undefined)]
  await until('both are up', () => [one, two].every(({ stats }) => stats.channel === 'up'))
  for (const n of all) {
    field.say(Number(n))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await until('all arrive', () => headEnd.got.length >= all.length)
  expect(headEnd.got).to.deep.equal(all)
  await until('all is acknowledged', () => one.stats.outgoing.unacknowledged === 0)
  expect(one.stats.channels, 'over the same channel').to.equal(1)
  await Promise.all([one.stop(100), two.stop(100), ...ended])
  await Promise.all(journals.map((one) => one?.close()))
  return events
}

/** Loses the third and fourth message of a port. */
function losing(port: number): (port: number) => boolean {
  let seen = 0
  return (to) => to === port && [3, 4].includes(++seen)
}

describe('a stream with a gap', () => {
  it('live: reported, asked for again within the channel, delivered in order and once', async () => {
    const events = await withGap(losing(PORT_BATCH))
    const codes = events.map(({ code }) => code)
    expect(codes.filter((code) => code === 'envelope.gap')).to.have.length(1)
    expect(codes).to.include('bridge.again')
  })

  it('kept: the same, with journals on both sides', () =>
    withFolder(async (folder) => {
      const events = await withGap(losing(PORT_BATCH + 2), folder, 'normal')
      expect(events.map(({ code }) => code)).to.include('bridge.again')
    }))

  it('is asked for a few times, with patience, and then given up', () => {
    const gaps = new GapRequests()
    const answers = [0, 100, 2000, 2100, 4000, 6000].map((now) => gaps.gap('live', 'log 5', now))
    expect(answers).to.deep.equal(['ask', 'wait', 'ask', 'wait', 'ask', 'give-up'])
    expect(gaps.gap('live', 'log 6', 6000), 'another gap').to.equal('ask')
    expect(gaps.gap('bulk', 'log 6', 6000), 'another stream').to.equal('ask')
  })
})

describe('a peer that sends more than our disk takes', () => {
  it('is not read until the disk has caught up: what waits in memory stays bounded', () =>
    withFolder(async (folder) => {
      const journal = await Journal.open(folder, { sync: false })
      const append = journal.append.bind(journal)
      const waiting: (() => void)[] = []
      let waits = 0
      journal.append = async (batch, origin) => {
        waits += batch.length
        await new Promise<void>((resolve) => waiting.push(resolve))
        waits -= batch.length
        return append(batch, origin)
      }
      const created = await session('to-device', new End(), [], journal, undefined, 1 << 20)
      const messages = new Subject<{ port: number; bytes: Uint8Array }>()
      const { promise: closed, resolve } = Promise.withResolvers<{ kind: string }>()
      let paused = false
      const channel = {
        messages,
        drained: new Subject<void>(),
        closed,
        send: () => true,
        close: () => Promise.resolve(resolve({ kind: 'closed' })),
        pause: () => (paused = true),
        resume: () => (paused = false),
      } as unknown as Channel
      const ended = created.attach(channel, () => undefined)
      await new Promise((later) => setTimeout(later, 10))
      const say = (port: number, bytes: Uint8Array): void => messages.next({ port, bytes })
      const incarnation = new Uint8Array(16)
      say(0, encodeControl({ kind: 'hello', version: 4, site: 's', incarnation, now: 0n, positions: [] }))
      const sealer = new Sealer({
        key: KEYS[0] as SigningKey,
        site: 's',
        direction: 'to-master',
        now: () => NOW,
        onBatch: ({ bytes }) => say(PORT_BATCH, bytes),
        onError: (error) => expect.fail(String(error)),
      })
      const frame = { kind: 'frame', link: 'meter', connection: 0, direction: 'to-master', protocol: 'raw' } as const
      let sent = 0
      for (; sent < 100 && !paused; sent++) {
        sealer.add([{ ...frame, time: NOW, bytes: new Uint8Array(1 << 18) }])
        await sealer.flush()
      }
      expect(paused, `after ${sent} batches`).to.equal(true)
      expect(waits).to.be.within(8 << 20, 9 << 20)
      await until('the disk catches up', () => {
        for (const go of waiting.splice(0, 8)) go()
        return waiting.length === 0
      })
      await until('it is read again', () => !paused)
      await Promise.all([created.stop(0), ended])
      await journal.close()
    }))
})
