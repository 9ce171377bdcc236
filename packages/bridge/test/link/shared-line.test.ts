import type { Entry } from '@gridseal/envelope'
import { ADU_CODECS, ModbusServer, encodeRequest } from '@gridseal/modbus'
import { expect } from 'chai'
import { deviceEnd } from '#src/link/factory.ts'
import type { LinkEnd } from '#src/link/end.ts'
import { needPeer } from '../../../../test/support/requirements.ts'
import { PtyPair } from '../../../transport/test/support/pty-pair.ts'
import { until } from '../../../transport/test/support/collect.ts'

/** A read of the first register of a unit, and the answer. */
const ask = (unit: number): Uint8Array =>
  ADU_CODECS.rtu.encode({
    transaction: null,
    unit,
    pdu: encodeRequest({ kind: 'readHoldingRegisters', address: 0, quantity: 1 }),
  })

describe('links that share one multi-drop line', () => {
  let line: PtyPair | undefined
  let devices: ModbusServer | undefined
  const ends: LinkEnd[] = []

  before(function () {
    needPeer(this, 'socat')
  })
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end.stop()))
    await devices?.close()
    await line?.close()
  })

  it('each get the answers of their own device, though both ask at once', async () => {
    line = await PtyPair.open()
    const units = {
      1: { holdingRegisters: [{ start: 0, cells: [111] }] },
      2: { holdingRegisters: [{ start: 0, cells: [222] }] },
    }
    devices = await ModbusServer.open(line.url('b'), { units })
    const device = `${line.url('a')}&shared=400&gap=20`
    const answers = [1, 2].map((unit) => {
      const id = `meter-${unit}`
      const base = { id, protocol: 'modbus', framing: 'rtu', keepInvalid: false, window: 1 << 20 } as const
      const end = deviceEnd(
        { ...base, silence: 50, maxAge: 10_000, device },
        () => 0n,
        () => undefined,
      )
      const seen: Entry[] = []
      end.entries.subscribe((entries) => seen.push(...entries))
      ends.push(end)
      return { unit, id, end, seen }
    })
    for (const { end } of answers) await end.start()
    await until('both have the line', () => ends.every(({ counters }) => counters.opened === 1))
    for (let round = 0; round < 5; round++) {
      for (const { unit, id, end } of answers) {
        const frame = { kind: 'frame', link: id, connection: 0, direction: 'to-device', protocol: 'modbus' } as const
        end.deliver({ ...frame, time: 0n, sequence: round, bytes: ask(unit) })
      }
    }
    await until('all answers are in', () => answers.every(({ seen }) => seen.length === 5))
    for (const { unit, id, seen } of answers) {
      for (const entry of seen) {
        expect(entry.link).to.equal(id)
        if (entry.kind !== 'frame') expect.fail('no frame')
        const { unit: from, pdu } = ADU_CODECS.rtu.decode(entry.bytes)
        expect([from, pdu[3]]).to.deep.equal([unit, unit * 111])
      }
    }
    expect(ends.map(({ counters }) => counters.discarded)).to.deep.equal([0, 0])
  })
})
