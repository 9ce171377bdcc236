import type { BridgeEvent } from '@gridseal/bridge'
import type { Channel } from '@gridseal/channel'
import { Journal, Sealer } from '@gridseal/envelope'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import type { ControlMessage } from '#src/site/control.ts'
import { BRIDGE_PROTOCOL_VERSION, PORT_BATCH, PORT_CONTROL, encodeControl } from '#src/site/control.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'
import { End, KEYS, NOW, session } from '../support/session.ts'

const HELLO: ControlMessage = {
  kind: 'hello',
  version: BRIDGE_PROTOCOL_VERSION,
  site: 's',
  incarnation: new Uint8Array(16),
  now: 0n,
  positions: [],
}

/** A field bridge that says what the test says, on a channel that it has already. */
class Peer {
  paused = false
  readonly channel: Channel
  readonly #messages = new Subject<{ port: number; bytes: Uint8Array }>()

  constructor() {
    const { promise: closed, resolve } = Promise.withResolvers<{ kind: string }>()
    this.channel = {
      messages: this.#messages,
      drained: new Subject<void>(),
      closed,
      send: () => true,
      close: () => Promise.resolve(resolve({ kind: 'closed' })),
      pause: () => (this.paused = true),
      resume: () => (this.paused = false),
    } as unknown as Channel
  }

  say(port: number, bytes: Uint8Array): void {
    this.#messages.next({ port, bytes })
  }

  async hello(): Promise<void> {
    await until('the bridge listens', () => this.#messages.observed)
    this.say(PORT_CONTROL, encodeControl(HELLO))
  }
}

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
      const peer = new Peer()
      const ended = created.attach(peer.channel, () => undefined)
      await peer.hello()
      const sealer = new Sealer({
        key: KEYS[0]!,
        site: 's',
        direction: 'to-master',
        now: () => NOW,
        onBatch: ({ bytes }) => peer.say(PORT_BATCH, bytes),
        onError: (error) => expect.fail(String(error)),
      })
      const frame = { kind: 'frame', link: 'meter', connection: 0, direction: 'to-master', protocol: 'raw' } as const
      let sent = 0
      for (; sent < 100 && !peer.paused; sent++) {
        sealer.add([{ ...frame, time: NOW, bytes: new Uint8Array(1 << 18) }])
        await sealer.flush()
      }
      expect(peer.paused, `after ${sent} batches`).to.equal(true)
      expect(waits).to.be.within(8 << 20, 9 << 20)
      await until('the disk catches up', () => {
        for (const go of waiting.splice(0, 8)) go()
        return waiting.length === 0
      })
      await until('it is read again', () => !peer.paused)
      await Promise.all([created.stop(0), ended])
      await journal.close()
    }))
})

describe('the order of what a peer says', () => {
  const unordered: Readonly<Record<string, readonly ControlMessage[]>> = {
    'a second hello': [HELLO, HELLO],
    'an acknowledgement before the hello': [{ kind: 'ack', stream: new Uint8Array(16), number: 0 }],
    'the hello of another site': [{ ...HELLO, site: 'another' }],
    'the hello of another version': [{ ...HELLO, version: BRIDGE_PROTOCOL_VERSION + 1 }],
  }
  for (const [what, messages] of Object.entries(unordered)) {
    it(`${what}: the channel is closed, and the operator reads why`, async () => {
      const events: BridgeEvent[] = []
      const created = await session('to-device', new End(), events, undefined)
      const peer = new Peer()
      const ended = created.attach(peer.channel, () => undefined)
      await new Promise((later) => setImmediate(later))
      for (const message of messages) peer.say(PORT_CONTROL, encodeControl(message))
      await ended
      expect(events.filter(({ level }) => level === 'warn').map(({ code }) => code)).to.deep.equal(['bridge.hello'])
      await created.stop(0)
    })
  }

  it('a batch before the hello: nothing of it is used', async () => {
    const [end, events] = [new End(), [] as BridgeEvent[]]
    const created = await session('to-device', end, events, undefined)
    const peer = new Peer()
    const ended = created.attach(peer.channel, () => undefined)
    await new Promise((later) => setImmediate(later))
    peer.say(PORT_BATCH, Uint8Array.of(1))
    await ended
    expect(events.map(({ code }) => code)).to.include('bridge.port')
    expect(created.stats.incoming).to.include({ batches: 0, refused: 0 })
    await created.stop(0)
  })
})
