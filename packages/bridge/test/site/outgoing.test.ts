import type { Channel } from '@gridseal/channel'
import type { FrameEntry } from '@gridseal/envelope'
import { Opener } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import { PORT_BATCH } from '#src/site/control.ts'
import { OutgoingStream } from '#src/site/outgoing.ts'
import { until } from '../support/pair.ts'

const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(4))

const command = (n: number): FrameEntry => ({
  kind: 'frame',
  link: 'breaker',
  connection: 1,
  direction: 'to-device',
  time: 1_700_000_000_000_000_000n,
  protocol: 'raw',
  bytes: Uint8Array.of(n),
})

describe('the live stream that leaves', () => {
  it('gives up with its masters what was sent, sealed, being signed or waiting: none of it reaches a device later', async () => {
    const got: number[] = []
    const opener = new Opener({ key: () => key.publicKey })
    let signing: (() => void)[] = []
    let slow = false
    const stream = new OutgoingStream({
      key: {
        publicKey: key.publicKey,
        sign: async (message) => {
          if (slow) await new Promise<void>((resolve) => signing.push(resolve))
          return key.sign(message)
        },
      },
      site: 's',
      direction: 'to-device',
      limits: { maxEntries: 1 },
      window: 1 << 20,
      now: () => 1_700_000_000_000_000_000n,
      keep: undefined,
      onKept: () => undefined,
      onRotated: () => undefined,
      onPause: () => undefined,
      onFault: (what, error) => expect.fail(`${what}: ${String(error)}`),
    })
    const channel = (): Channel =>
      ({
        drained: new Subject<void>(),
        send: (port: number, bytes: Uint8Array) => {
          if (port !== PORT_BATCH) return true
          for (const entry of opener.open(Uint8Array.from(bytes)).entries) {
            if (entry.kind === 'frame') got.push(...entry.bytes)
          }
          return true
        },
      }) as unknown as Channel
    stream.attach(channel(), undefined)
    stream.add([command(1)])
    await until('the first is there', () => got.length === 1)
    stream.detach()
    // One sealed, one being signed, one waiting.
    stream.add([command(2)])
    await until('it is sealed', () => stream.stats.unacknowledged === 2)
    slow = true
    stream.add([command(3), command(4)])
    await until('it is being signed', () => signing.length === 1)
    stream.abandon('restart')
    slow = false
    for (const go of signing.splice(0)) go()
    signing = []
    const { position } = opener
    if (position === undefined) expect.fail('it has opened a batch')
    stream.attach(channel(), position)
    stream.add([command(5)])
    await until('the last is there', () => got.includes(5))
    expect(got).to.deep.equal([1, 5])
    expect(stream.stats).to.include({ abandoned: 2, pending: 0 })
    await stream.close()
  })
})
