import { readdirSync } from 'node:fs'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { ADU_CODECS, ModbusClient, ModbusServer } from '@gridseal/modbus'
import type { Framing } from '@gridseal/modbus'
import { memoryPair } from '@gridseal/transport'
import { fromHex } from '@gridseal/wire'
import { needLinux, needNodeBefore, needPeer } from '../../../../test/support/requirements.ts'
import { rejection } from '../support/errors.ts'
import { openPtyPair, until } from '../support/peers.ts'
import { PtyPair } from '../../../transport/test/support/pty-pair.ts'

const unit = { holdingRegisters: [{ start: 0, cells: [10, 11, 12, 13] }], coils: [{ start: 0, cells: 16 }] }
const ONE = '03 02 000A'
/** Where no good answer is expected. */
const SHORT = { timeout: 60 }

/** A client whose device answers what the test wants: bytes by request number. */
function misled(framing: Framing, answers: (transaction: number | null) => readonly Uint8Array[]) {
  const [near, far] = memoryPair()
  const client = new ModbusClient(near, { framing, timeout: 5000, backoff: { failures: 1000 } })
  let asked = 0
  far.data.subscribe((chunk) => {
    const { transaction, unit: of } = ADU_CODECS[framing].decode(chunk)
    const good = ADU_CODECS[framing].encode({ transaction, unit: of, pdu: fromHex(ONE) })
    const bad = asked++ === 0 ? answers(transaction) : [good]
    for (const bytes of bad) far.write(bytes)
  })
  return client
}

const frame = (framing: Framing, transaction: number | null, pdu = ONE, of = 1): Uint8Array =>
  ADU_CODECS[framing].encode({ transaction, unit: of, pdu: fromHex(pdu) })
const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  copy[at < 0 ? copy.length + at : at] = value
  return copy
}

describe('Modbus client: bad input', () => {
  const TIMEOUT = 'modbus.client.timeout'
  const LIE = 'modbus.client.answer'
  const cases: readonly [string, Framing, string, (transaction: number | null) => readonly Uint8Array[]][] = [
    ['a wrong CRC', 'rtu', TIMEOUT, () => [changed(frame('rtu', null), -1, 0)]],
    ['a wrong LRC', 'ascii', TIMEOUT, () => [changed(frame('ascii', null), -3, 0x37)]],
    ['a length field of 0', 'tcp', TIMEOUT, (t) => [changed(frame('tcp', t), 5, 0)]],
    ['a length field past 254', 'tcp', TIMEOUT, (t) => [changed(frame('tcp', t), 4, 1)]],
    ['a length field that promises more than comes', 'tcp', TIMEOUT, (t) => [changed(frame('tcp', t), 5, 6)]],
    ['a wrong transaction id', 'tcp', TIMEOUT, (t) => [frame('tcp', t! + 1)]],
    ['a wrong protocol id', 'tcp', TIMEOUT, (t) => [changed(frame('tcp', t), 2, 0x12)]],
    ['another unit', 'tcp', TIMEOUT, (t) => [frame('tcp', t, ONE, 2)]],
    ['another unit on the line', 'rtu', TIMEOUT, () => [frame('rtu', null, ONE, 2)]],
    ['another function', 'tcp', TIMEOUT, (t) => [frame('tcp', t, '04 02 000A')]],
    ['a byte count that is too small', 'tcp', LIE, (t) => [frame('tcp', t, '03 01 000A')]],
    ['a byte count that is too large', 'tcp', LIE, (t) => [frame('tcp', t, '03 04 000A')]],
    ['more registers than asked for', 'tcp', LIE, (t) => [frame('tcp', t, '03 04 000A 000B')]],
    ['a reply to another request', 'rtu', LIE, () => [frame('rtu', null, '03 04 000A 000B')]],
    ['noise', 'rtu', TIMEOUT, () => [fromHex('00 FF 55 AA 01 03 FF 80')]],
    ['half a frame', 'rtu', TIMEOUT, () => [frame('rtu', null).subarray(0, 4)]],
    ['an exception of an unknown code', 'tcp', 'modbus.exception', (t) => [frame('tcp', t, '83 77')]],
    ['silence', 'tcp', TIMEOUT, () => []],
  ]
  for (const [title, framing, code, answers] of cases) {
    it(`fails one request on ${title}, and the next one is answered (${framing})`, async () => {
      const client = misled(framing, answers)
      expect((await rejection(client.readHoldingRegisters(1, 0, 1, SHORT))).code).to.equal(code)
      if (title.includes('promises more')) {
        // On a stream that length is to be believed: the next answer's first bytes go to the frame that was promised.
        await rejection(client.readHoldingRegisters(1, 0, 1, SHORT))
      }
      expect(await client.readHoldingRegisters(1, 0, 1)).to.deep.equal([10])
      await client.close()
    })
  }

  it('is not moved by a flood that nobody asked for', async () => {
    const client = misled('tcp', (transaction) => {
      const flood = Buffer.concat(Array.from({ length: 5000 }, (_, i) => frame('tcp', (transaction! + 1 + i) & 0xffff)))
      return [flood, frame('tcp', transaction)]
    })
    expect(await client.readHoldingRegisters(1, 0, 1)).to.deep.equal([10])
    expect(client.counters.foreign).to.equal(5000)
    await client.close()
  })
})

describe('Modbus server: bad input', () => {
  let server: ModbusServer
  const sockets: Socket[] = []
  const open = async (): Promise<{ socket: Socket; received: () => Buffer }> => {
    const socket = connectSocket(Number(new URL(server.url).port), '127.0.0.1')
    sockets.push(socket)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return { socket, received: () => Buffer.concat(chunks) }
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await server.close()
  })
  const serve = async (framing: Framing): Promise<void> => {
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit }, framing })
  }
  const write = (framing: Framing): Uint8Array => frame(framing, 1, '06 0000 0063')
  const readBack = (framing: Framing): Uint8Array => frame(framing, 2, '03 0000 0001')

  for (const [title, framing, bytes] of [
    ['a write with a wrong CRC', 'rtu', changed(write('rtu'), -1, 0)],
    ['a write with a wrong LRC', 'ascii', changed(write('ascii'), -3, 0x37)],
    ['noise', 'rtu', fromHex('00 FF 55 AA 01 06 00')],
    ['half a frame', 'rtu', write('rtu').subarray(0, 5)],
    ['half a frame', 'ascii', write('ascii').subarray(0, 9)],
    ['a frame for another unit', 'rtu', frame('rtu', null, '06 0000 0063', 2)],
  ] as const) {
    it(`does not carry out ${title}, and answers what comes after it (${framing})`, async () => {
      await serve(framing)
      const { socket, received } = await open()
      socket.write(bytes)
      await new Promise((resolve) => setTimeout(resolve, framing === 'ascii' ? 20 : 300))
      socket.write(readBack(framing))
      await until(() => received().length > 0, 'no answer')
      expect(received().toString('hex')).to.equal(Buffer.from(frame(framing, 2, ONE)).toString('hex'))
      expect(server.counters.requests).to.equal(title.includes('another unit') ? 2 : 1)
    })
  }

  it('answers everybody while some flood it, and takes no more from who takes no answers', async () => {
    await serve('tcp')
    const deaf = await open()
    deaf.socket.pause()
    const request = frame('tcp', 7, '03 0000 0004')
    const flood = Buffer.concat(new Array<Uint8Array>(20_000).fill(request))
    const before = process.memoryUsage().rss
    for (let i = 0; i < 10; i++) deaf.socket.write(flood)
    const loud = await Promise.all(Array.from({ length: 5 }, open))
    for (const { socket } of loud) socket.write(flood)
    const quiet = await open()
    const started = performance.now()
    quiet.socket.write(frame('tcp', 1, '03 0000 0001'))
    await until(() => quiet.received().length > 0, 'no answer')
    expect(performance.now() - started, 'milliseconds until a lone request is answered').to.be.below(1500)
    const answer = 6 + 3 + 8
    await until(
      () => loud.every(({ received }) => received().length === 20_000 * answer),
      'answers are missing',
      20_000,
    )
    expect(process.memoryUsage().rss - before).to.be.below(250e6)
  }).timeout(40_000)
})

describe('Modbus client and server, again and again', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length

  it('has exactly one session in each of 100 restarts of its server, and leaks no descriptor', async function () {
    needLinux(this)
    let server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit } })
    const { url } = server
    const client = ModbusClient.open(url, { timeout: 5000, retries: 3, reconnect: { base: 1, max: 5 } })
    await client.readHoldingRegisters(1, 0, 1)
    const before = descriptors()
    for (let restart = 0; restart < 100; restart++) {
      expect(server.connections, `restart ${restart}`).to.equal(1)
      await server.close()
      server = await ModbusServer.open(url, { units: { 1: unit } })
      expect(await client.readHoldingRegisters(1, 0, 1)).to.deep.equal([10])
    }
    expect(server.connections).to.equal(1)
    expect(descriptors()).to.equal(before)
    await client.close()
    await server.close()
  }).timeout(30_000)

  it('comes back with a serial adapter that was pulled, and goes on, on both sides', async function () {
    needPeer(this, 'socat')
    const line = await PtyPair.open()
    const server = await ModbusServer.open(line.url('b'), { units: { 1: unit } })
    const client = ModbusClient.open(line.url('a'), { timeout: 4000, retries: 1, reconnect: { base: 10, max: 50 } })
    const failures: string[] = []
    client.failures.subscribe(({ code }) => failures.push(code))
    expect(await client.readHoldingRegisters(1, 1, 1)).to.deep.equal([11])
    await line.unplug()
    await until(() => !client.connected && server.connections === 0, 'they do not notice')
    await line.renew()
    await until(
      () =>
        client.readHoldingRegisters(1, 2, 1).then(
          ([value]) => value === 12,
          () => false,
        ),
      'it does not come back',
    )
    expect(failures[0]).to.equal('transport.serial.unplugged')
    await client.close()
    await server.close()
    await line.close()
  })

  it('serves several clients on one serial line by turns', async function () {
    needPeer(this, 'socat')
    needNodeBefore(this, 26, 'serialport tells of bytes only when the event loop wakes for something else')
    const line = await openPtyPair()
    const server = await ModbusServer.open(`serial://${line.b}?baud=115200`, { units: { 1: unit, 2: unit } })
    const shared = `serial://${line.a}?baud=115200&shared=300`
    const clients = await Promise.all([1, 2, 3].map(() => ModbusClient.connect(shared, { timeout: 4000 })))
    const answers = await Promise.all(
      clients.flatMap((client, i) =>
        [0, 1, 2, 3].map((address) => client.readHoldingRegisters(1 + (i % 2), address, 1)),
      ),
    )
    expect(answers.map(([value]) => value)).to.deep.equal([10, 11, 12, 13, 10, 11, 12, 13, 10, 11, 12, 13])
    expect(clients.map(({ counters }) => counters.foreign)).to.deep.equal([0, 0, 0])
    await Promise.all(clients.map((client) => client.close()))
    await server.close()
    await line.close()
  })
})
