import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { ADU_CODECS, ModbusClient, ModbusServer, meterUnit } from '@gridseal/modbus'
import type { ServerOptions } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { askAndEnd } from '../../../../test/support/half-close.ts'
import { hex, pieces } from '../support/chunking.ts'
import { rejection } from '../support/errors.ts'
import { until } from '../support/peers.ts'

/** Closed in good order or reset. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

const unit = { holdingRegisters: [{ start: 0, cells: [10, 11, 12, 13] }], coils: [{ start: 0, cells: 16 }] }

describe('Modbus server on TCP', () => {
  let server: ModbusServer
  const sockets: Socket[] = []

  const serve = async (options: Partial<ServerOptions> = {}): Promise<void> => {
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit }, ...options })
  }

  /** A bare socket to the server that gathers what comes back. */
  const open = async (): Promise<{ socket: Socket; received: () => string; chunks: Buffer[] }> => {
    const { port } = new URL(server.url)
    const socket = connectSocket(Number(port), '127.0.0.1')
    sockets.push(socket)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return { socket, chunks, received: () => toHex(Buffer.concat(chunks)) }
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await server.close()
  })

  it('says where it is reached', async () => {
    await serve()
    expect(server.url).to.match(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
  })

  it('answers requests of one segment in order, in one write', async () => {
    await serve()
    const { socket, received, chunks } = await open()
    const answers = '0001 0000 0005 01 03 02 000A' + '0002 0000 0006 01 06 0000 0063' + '0003 0000 0005 01 03 02 0063'
    socket.write(
      fromHex('0001 0000 0006 01 03 0000 0001 0002 0000 0006 01 06 0000 0063 0003 0000 0006 01 03 0000 0001'),
    )
    await until(() => received().length >= hex(answers).length, 'no answers')
    expect(received()).to.equal(hex(answers))
    expect(chunks).to.have.length(1)
    expect(server.counters).to.include({ requests: 3, responses: 3, exceptions: 0 })
  })

  for (const count of [1, 1000]) {
    it(`answers ${count} requests of a client that ends its half behind them, and then ends its own`, async () => {
      await serve()
      const requests = Buffer.concat(Array.from({ length: count }, () => fromHex('0001 0000 0006 01 03 0000 0001')))
      const answers = await askAndEnd(server.url, requests)
      expect(answers.length).to.equal(count * 11)
      expect(toHex(answers.subarray(0, 11))).to.equal(hex('0001 0000 0005 01 03 02 000A'))
    })
  }

  for (const [framing, request, answer] of [
    ['rtu', '01 03 0000 0001 84 0A', '01 03 02 000A 3843'],
    ['ascii', '3A 3031303330303030303030314642 0D0A', '3A 30313033303230303041 4630 0D0A'],
  ] as const) {
    it(`answers a client that ends its half behind its request, in ${framing} over TCP`, async () => {
      await serve({ framing })
      expect(toHex(await askAndEnd(server.url, fromHex(request)))).to.equal(hex(answer))
    })
  }

  it('answers a request that dribbles in byte by byte', async () => {
    await serve()
    const { socket, received } = await open()
    socket.setNoDelay(true)
    for (const piece of pieces(fromHex('0001 0000 0006 01 03 0000 0001'), 1)) {
      socket.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => received() !== '', 'no answer')
    expect(received()).to.equal(hex('0001 0000 0005 01 03 02 000A'))
  })

  it('answers exceptions instead of silence, and counts them', async () => {
    await serve()
    const { socket, received } = await open()
    const asked = '0001 0000 0006 07 03 0000 0001' + '0002 0000 0002 01 07' + '0003 0000 0006 01 03 0063 0001'
    socket.write(fromHex(asked))
    const answers = '0001 0000 0003 07 83 0B' + '0002 0000 0003 01 87 01' + '0003 0000 0003 01 83 02'
    await until(() => received().length >= hex(answers).length, 'no answers')
    expect(received()).to.equal(hex(answers))
    expect(server.counters).to.include({ requests: 3, exceptions: 3 })
  })

  for (const [title, bytes] of [
    ['a wrong protocol identifier', '0001 1234 0006 01 03 0000 0001'],
    ['an impossible length', '0001 0000 0001 01 03 0000 0001'],
    ['HTTP', toHex(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))],
  ] as const) {
    it(`closes the connection on ${title}, and only that one`, async () => {
      await serve()
      const other = await open()
      const { socket, received } = await open()
      socket.write(fromHex(bytes))
      await closed(socket)
      expect(received()).to.equal('')
      expect(server.counters).to.include({ misfits: 1, requests: 0 })
      other.socket.write(fromHex('0001 0000 0006 01 03 0000 0001'))
      await until(() => other.received() !== '', 'no answer')
    })
  }

  it('executes no request that hides in something else, such as the body of an HTTP request', async () => {
    await serve()
    const { socket } = await open()
    const write = fromHex('0001 0000 0006 01 06 0000 0063')
    socket.write(Buffer.concat([Buffer.from('POST / HTTP/1.1\r\nHost: meter:502\r\n\r\n'), write]))
    await closed(socket)
    expect(server.device.registers(1)!.holdingRegisters.get(0)).to.equal(10)
    expect(server.counters).to.include({ misfits: 1, requests: 0 })
  })

  it('closes a connection that asks nothing for too long', async () => {
    await serve({ idleTimeout: 60 })
    const { socket } = await open()
    socket.write(fromHex('0001 0000')) // half a header is not a request
    await closed(socket)
    await until(() => server.connections === 0, 'still counted')
  })

  it('takes no more connections than it may', async () => {
    await serve({ maxConnections: 1 })
    const first = await open()
    const second = await open()
    await closed(second.socket)
    first.socket.write(fromHex('0001 0000 0006 01 03 0000 0001'))
    await until(() => first.received() !== '', 'no answer')
  })

  it('gives the meter the time of its clock', async () => {
    let now = 1_780_000_000_000_000_000n
    await serve({ units: { 1: meterUnit() }, now: () => now })
    const client = await ModbusClient.connect(server.url)
    const before = await client.readInputRegisters(1, 0, 22)
    now += 60_000_000_000n
    const after = await client.readInputRegisters(1, 0, 22)
    expect(after).to.not.deep.equal(before)
    expect(await client.readInputRegisters(1, 0, 22)).to.deep.equal(after)
    await client.close()
  })

  it('ends every connection when it closes', async () => {
    await serve()
    const { socket } = await open()
    await until(() => server.connections === 1, 'not connected')
    const gone = closed(socket)
    await server.close()
    await gone
    expect(server.connections).to.equal(0)
  })
})

describe('Modbus server, ASCII over TCP', () => {
  it('answers a client of the same framing', async () => {
    const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit }, framing: 'ascii' })
    const client = await ModbusClient.connect(server.url, { framing: 'ascii' })
    await client.writeCoils(1, 3, [true, true])
    expect(await client.readCoils(1, 2, 4)).to.deep.equal([false, true, true, false])
    await client.close()
    await server.close()
  })
})

describe('Modbus server, ASCII: another delimiter (6.8.1, sub-function 03)', () => {
  let server: ModbusServer
  let socket: Socket
  let heard = ''
  beforeEach(async () => {
    heard = ''
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit, 2: unit }, framing: 'ascii' })
    socket = connectSocket(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
    await once(socket, 'connect')
  })
  afterEach(async () => {
    socket.destroy()
    await server.close()
  })
  const line = (pdu: string, end: string, address = 1): string => {
    const frame = ADU_CODECS.ascii.encode({ transaction: null, unit: address, pdu: fromHex(pdu) })
    return `${Buffer.from(frame).toString('latin1').slice(0, -1)}${end}`
  }
  const ask = async (request: string, answer: string): Promise<void> => {
    heard = ''
    socket.write(request)
    await until(() => heard.length >= answer.length, `no answer to ${JSON.stringify(request)}`)
    expect(heard).to.equal(answer)
  }

  it('ends the frames to come, in both directions and of all units; the echo still ends with the old one', async () => {
    await ask(line('08 0003 2300', '\n'), line('08 0003 2300', '\n'))
    await ask(line('03 0000 0001', '#'), line('03 02 000A', '#'))
    await ask(line('03 0000 0001', '#', 2), line('03 02 000A', '#', 2))
    // What ends with LF is not the end of a frame any more: the next colon starts anew.
    await ask(line('06 0000 0063', '\n') + line('03 0000 0001', '#'), line('03 02 000A', '#'))
    await ask(line('08 0003 0A00', '#'), line('08 0003 0A00', '#'))
    await ask(line('03 0000 0001', '\n'), line('03 02 000A', '\n'))
  })

  it('is refused (03) for a character that frames are made of, and for data that is none', async () => {
    for (const data of ['3A00', '0D00', '3000', '4600', '6100', '8000', '2301', '23', '230000']) {
      await ask(line(`08 0003 ${data}`, '\n'), line('88 03', '\n'))
    }
  })

  it('is what a client of ours goes on with, also after telling all units at once', async () => {
    const client = await ModbusClient.connect(server.url, { framing: 'ascii', turnaround: 1 })
    const change = (data: string) => ({ kind: 'diagnostics', subFunction: 3, data: fromHex(data) }) as const
    await client.request(1, change('2400'))
    expect(await client.readHoldingRegisters(1, 0, 2)).to.deep.equal([10, 11])
    await client.broadcast(change('2B00'))
    expect(await client.readHoldingRegisters(2, 0, 2)).to.deep.equal([10, 11])
    const refused = await rejection(client.request(1, change('3A00')))
    expect(refused.details).to.include({ exception: 3 })
    expect(await client.readHoldingRegisters(1, 0, 1)).to.deep.equal([10])
    await client.close()
  })
})

describe('Modbus server, RTU over TCP', () => {
  const frame = (pdu: string, address = 1): Uint8Array =>
    ADU_CODECS.rtu.encode({ transaction: null, unit: address, pdu: fromHex(pdu) })

  it('answers whole frames, stays silent on a wrong CRC and does not execute it', async () => {
    const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit }, framing: 'rtu' })
    const socket = connectSocket(Number(new URL(server.url).port), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'connect')
    const damaged = frame('06 0000 0063')
    damaged[5]! ^= 1
    socket.write(Buffer.concat([damaged, frame('06 0001 0064', 2), frame('06 0001 0064', 0), frame('03 0000 0002')]))
    const answer = toHex(frame('03 04 000A 0064'))
    await until(() => Buffer.concat(chunks).length >= answer.length / 2, 'no answer')
    expect(toHex(Buffer.concat(chunks))).to.equal(answer)
    expect(server.counters).to.include({ requests: 3, responses: 1, invalid: 1, discarded: 8 })
    socket.destroy()
    await server.close()
  })

  it('answers a client of the same framing', async () => {
    const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit }, framing: 'rtu' })
    const client = await ModbusClient.connect(server.url, { framing: 'rtu' })
    expect(await client.readHoldingRegisters(1, 0, 4)).to.deep.equal([10, 11, 12, 13])
    const silence = await rejection(client.request(9, { kind: 'readCoils', address: 0, quantity: 1 }, 50))
    expect(silence.code).to.equal('modbus.client.timeout')
    await client.close()
    await server.close()
  })

  it('refuses an option that does not exist', async () => {
    const options = { units: {}, idleTimeOut: 1 }
    expect((await rejection(ModbusServer.open('tcp://127.0.0.1:0', options))).code).to.equal('modbus.server.option')
  })

  it('refuses MBAP on a serial line', async () => {
    const error = await rejection(ModbusServer.open('serial:///dev/null', { units: {}, framing: 'tcp' }))
    expect(error.code).to.equal('modbus.server.framing')
  })
})
