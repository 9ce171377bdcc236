import type { Socket } from 'node:net'
import { encodeLinkFrame } from '@gridseal/dnp3'
import { fromHex, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { askAndEnd } from '../../../../test/support/half-close.ts'
import type { Pair } from '../support/pair.ts'
import { Device, Peer, startPair, until } from '../support/pair.ts'

const MODBUS = { request: fromHex('000100000006010300000001'), answer: fromHex('000100000005010302002A') }

function dnp3(fromMaster: boolean, ...application: number[]): Uint8Array {
  const [destination, source] = fromMaster ? [10, 1] : [1, 10]
  const user = Uint8Array.of(0xc0, ...application)
  const control = { fromMaster, primary: true, frameCount: false, countValidOrBusy: false, function: 4 }
  return encodeLinkFrame({ ...control, destination, source, user })
}

describe('a master that ends its half of the connection behind its request', () => {
  let device: Device
  let pair: Pair
  afterEach(async () => {
    await pair.stop()
    device.close()
  })

  /** The device answers a while after it was asked, as devices behind slow lines do. */
  async function start(protocol: string, answer: (socket: Socket, request: Buffer) => void): Promise<string> {
    device = await Device.listen(({ socket }) => {
      socket.on('data', (request) => void setTimeout(() => answer(socket, request), 50))
    })
    const link = { protocol }
    pair = await startPair([{ id: 'a', device: device.url, field: link, headEnd: link }])
    return `tcp://127.0.0.1:${pair.port('a')}`
  }

  it('gets the answer of a Modbus device', async () => {
    const url = await start('modbus', (socket) => socket.write(MODBUS.answer))
    expect(toHex(await askAndEnd(url, MODBUS.request))).to.equal(toHex(MODBUS.answer))
    await until('the mirror is closed', () => device.peers[0]?.ended === true)
    expect(pair.headEnd.stats.sites[0]?.links['a']).to.include({ connections: 0, framesOut: 1, orphaned: 0 })
  })

  it('gets all answers, which come one by one', async () => {
    const url = await start('modbus', (socket, requests) => {
      for (let n = 0; n < requests.length / 12; n++) setTimeout(() => socket.write(MODBUS.answer), n * 50)
    })
    const requests = Buffer.concat([MODBUS.request, MODBUS.request, MODBUS.request])
    expect((await askAndEnd(url, requests)).length).to.equal(3 * MODBUS.answer.length)
  })

  it('gets the answer of a DNP3 outstation, whose frames come one by one', async () => {
    const frames = [dnp3(false, 0xc0, 129, 0, 0), dnp3(false, 0xf0, 130, 0, 0)]
    const url = await start('dnp3', (socket) =>
      frames.forEach((frame, n) => setTimeout(() => socket.write(frame), n * 50)),
    )
    const answers = await askAndEnd(url, dnp3(true, 0xc0, 1, 60, 2, 6))
    expect(toHex(answers)).to.equal(frames.map((frame) => toHex(frame)).join(''))
  })

  for (const [what, protocol, bytes] of [
    ['a DNP3 confirm', 'dnp3', dnp3(true, 0xc0, 0)],
    ['a DNP3 request without an answer', 'dnp3', dnp3(true, 0xc0, 6, 12, 1, 0x28, 0, 0)],
    ['anything where nobody can tell what a request is', 'raw', Buffer.from('hello')],
  ] as const) {
    it(`is followed at once by the device's side behind ${what}: nothing is owed`, async () => {
      const url = await start(protocol, () => undefined)
      const began = performance.now()
      expect((await askAndEnd(url, bytes)).length).to.equal(0)
      await until('the mirror is closed', () => device.peers[0]?.ended === true)
      expect(performance.now() - began, 'not after the time for answers').to.be.below(5000)
      expect(device.peers[0]?.length).to.equal(bytes.length)
    })
  }

  it('waits for nothing more when it comes again: a device may allow few connections', async () => {
    const url = await start('modbus', () => undefined)
    const first = askAndEnd(url, MODBUS.request)
    await until('the device is asked', () => device.peers[0]?.length === MODBUS.request.length)
    const again = await Peer.connect(pair.port('a'))
    const began = performance.now()
    await until('the first mirror is closed, the second is there', () => {
      return device.peers[0]?.ended === true && device.peers.length === 2
    })
    expect(performance.now() - began, 'not after the time for answers').to.be.below(5000)
    expect((await first).length).to.equal(0)
    again.socket.write(MODBUS.request)
    await until('the device is asked again', () => device.peers[1]?.length === MODBUS.request.length)
    again.socket.destroy()
  })

  it('is not waited for by a device that has ended the connection', async () => {
    const url = await start('modbus', (socket) => socket.end())
    expect((await askAndEnd(url, MODBUS.request)).length).to.equal(0)
  })

  it('is answered by the bridge where the device is out of reach', async () => {
    device = await Device.listen()
    const headEnd = { protocol: 'modbus', away: 'answer' }
    pair = await startPair([{ id: 'a', device: 'tcp://127.0.0.1:9', field: { protocol: 'modbus' }, headEnd }])
    const answer = await askAndEnd(`tcp://127.0.0.1:${pair.port('a')}`, MODBUS.request)
    expect(toHex(answer)).to.equal('00010000000301830b')
  })
})
