import { expect } from 'chai'
import { parseConfig } from '@gridseal/bridge'
import { toHex } from '@gridseal/wire'
import type { Pair } from './support/pair.ts'
import { Device, Peer, channelUp, startPair, until } from './support/pair.ts'
import { FaultProxy } from '../../../test/support/fault-proxy.ts'

/** Read holding registers, with a transaction number. */
const request = (transaction: number): string => `${hex(transaction)}000000061103006b0003`
const exception = (transaction: number, code: string): string => `${hex(transaction)}000000031183${code}`
const answer = (transaction: number): string => `${hex(transaction)}0000000911030601020304050607`.slice(0, 30)
const hex = (n: number): string => n.toString(16).padStart(4, '0')

/** A device that answers every request of eight octets behind its header. */
const meter = (peer: Peer): void => {
  peer.socket.on('data', (chunk) => {
    for (let at = 0; at + 12 <= chunk.length; at += 12) {
      peer.socket.write(Buffer.from(answer(chunk.readUInt16BE(at)), 'hex'))
    }
  })
}

describe('masters whose device is out of reach, answered as the protocol has it', () => {
  let device: Device
  let pair: Pair
  let proxy: FaultProxy
  afterEach(async () => {
    await pair.stop()
    await proxy.close()
    device.close()
  })

  async function start(): Promise<Peer> {
    device = await Device.listen(meter)
    const headEnd = { protocol: 'modbus', away: 'answer' }
    pair = await startPair([{ id: 'a', device: device.url, field: { protocol: 'modbus' }, headEnd }], {
      hold: '150ms',
      channelUrl: async (real) => {
        proxy = new FaultProxy({ target: Number(new URL(real).port), seed: 3 })
        return proxy.listen()
      },
    })
    return Peer.connect(pair.port('a'))
  }

  const send = (peer: Peer, transaction: number): void => {
    peer.socket.write(Buffer.from(request(transaction), 'hex'))
  }
  const got = (peer: Peer): string => toHex(Buffer.from(peer.text, 'latin1'))

  it('without a path: exception 0A, also to what was under way; then the device again, on the same connection', async () => {
    const master = await start()
    send(master, 1)
    await until('the answer', () => got(master) === answer(1))
    proxy.refuse(true)
    proxy.cut()
    send(master, 2)
    await until('an exception', () => got(master) === answer(1) + exception(2, '0a'), 5000)
    send(master, 3)
    await until('another', () => got(master).endsWith(exception(3, '0a')))
    const late = await Peer.connect(pair.port('a'))
    send(late, 4)
    await until('one for who came meanwhile', () => got(late) === exception(4, '0a'))
    proxy.refuse(false)
    await channelUp(pair)
    send(master, 5)
    send(late, 6)
    await until('the answer of the device', () => got(master).endsWith(answer(5)))
    await until('and for the other', () => got(late).endsWith(answer(6)))
    expect(master.ended).to.equal(false)
    expect(pair.headEnd.stats.sites[0]?.links['a']?.answered).to.equal(3)
    // The request that was answered from here has not been done later: the device saw what it answered.
    expect(device.peers.map((peer) => peer.length).reduce((sum, n) => sum + n, 0)).to.equal(3 * 12)
  })

  it('a device that refuses connections: exception 0B, and it is tried again', async () => {
    const master = await start()
    send(master, 1)
    await until('the answer', () => got(master) === answer(1))
    device.close()
    await until('the mirror is gone', () => pair.field.stats.sites[0]?.links['a']?.connections === 0)
    send(master, 2)
    await until('an exception', () => got(master).endsWith(exception(2, '0b')), 5000)
    send(master, 3)
    await until('another, at once', () => got(master).endsWith(exception(3, '0b')))
    expect(master.ended).to.equal(false)
  })
})

describe('a configuration that answers for devices', () => {
  it('names the protocols that have no such answer', () => {
    const link = { id: 'a', protocol: 'dnp3', master: 'tcp://127.0.0.1:0', away: 'answer' }
    const sites = [{ site: 's', peer: 'p', links: [link] }]
    const config = { role: 'head-end', identity: 'k', channel: { listen: 'tcp://127.0.0.1:0' }, sites }
    expect(() => parseConfig(JSON.stringify(config), 'f')).to.throw(/away: dnp3 has no answer .* allowed: close/)
  })
})
