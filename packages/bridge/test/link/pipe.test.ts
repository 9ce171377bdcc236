import { modbusAdapter } from '@gridseal/modbus'
import { memoryPair } from '@gridseal/transport'
import { fromHex, toHex } from '@gridseal/wire'
import { CreditAccount } from '#src/link/credit.ts'
import { newCounters } from '#src/link/end.ts'
import { Pipe } from '#src/link/pipe.ts'
import { expect } from 'chai'

const REQUEST = fromHex('010300000005' + '85c9')

describe('a connection of a link', () => {
  it('with RTU framing gives up half a frame after silence, again and again', async () => {
    const [near, far] = memoryPair()
    const counters = newCounters()
    const frames: string[] = []
    const pipe = new Pipe(
      near,
      0,
      {
        config: { id: 'l', protocol: 'modbus', framing: 'rtu', keepInvalid: false, window: 1 << 20, silence: 20 },
        adapter: modbusAdapter,
        inbound: 'to-device',
        policy: undefined,
        now: () => 0n,
        report: () => undefined,
      },
      counters,
      new CreditAccount(),
      {
        entries: (entries) => {
          for (const entry of entries) if (entry.kind === 'frame') frames.push(toHex(entry.bytes))
        },
        credit: () => undefined,
        closed: () => undefined,
      },
    )
    for (let i = 0; i < 3; i++) {
      far.write(REQUEST)
      await new Promise((resolve) => setTimeout(resolve, 40))
      far.write(REQUEST.slice(0, 5))
      await new Promise((resolve) => setTimeout(resolve, 80))
    }
    far.write(REQUEST)
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(frames).to.deep.equal(Array.from({ length: 4 }, () => toHex(REQUEST)))
    expect(counters.discarded).to.equal(15)
    pipe.connection.destroy()
  })

  it('on TCP takes no frame out of the half of another that a closing peer leaves behind', async () => {
    const [near, far] = memoryPair()
    const counters = newCounters()
    const frames: string[] = []
    const ended = new Promise<void>((resolve) => {
      new Pipe(
        near,
        1,
        {
          config: { id: 'l', protocol: 'modbus', keepInvalid: false, window: 1 << 20, silence: 20 },
          adapter: modbusAdapter,
          inbound: 'to-device',
          policy: undefined,
          now: () => 0n,
          report: () => undefined,
        },
        counters,
        new CreditAccount(),
        {
          entries: (entries) => {
            for (const entry of entries) if (entry.kind === 'frame') frames.push(toHex(entry.bytes))
          },
          credit: () => undefined,
          closed: () => resolve(),
        },
      )
    })
    // A write of registers whose data looks like a request of its own, cut off.
    const inner = '000100000006010600010001'
    far.write(fromHex('0009000000' + '1f' + '0110000000' + '0c18' + inner))
    far.end()
    await ended
    expect(frames).to.deep.equal([])
    expect(counters.discarded).to.be.greaterThan(0)
  })
})
