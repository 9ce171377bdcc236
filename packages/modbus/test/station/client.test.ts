import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { memoryPair } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { ADU_CODECS, ModbusClient, ModbusServer, decodeRequest } from '@gridseal/modbus'
import type { Framing, Request } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'
import { rejection, usageError } from '../support/errors.ts'
import { until } from '../support/peers.ts'

const read = (address: number): Request => ({ kind: 'readHoldingRegisters', address, quantity: 1 })

/** A client, and the far end of its connection in the hands of the test. */
function setUp(options: { framing?: Framing; timeout?: number; maxQueued?: number } = {}) {
  const { framing = 'tcp' } = options
  const [near, far] = memoryPair()
  const client = new ModbusClient(near, options)
  const seen: { transaction: number | null; unit: number; request: Request }[] = []
  far.data.subscribe((chunk) => {
    const { pdu, ...adu } = ADU_CODECS[framing].decode(chunk)
    seen.push({ ...adu, request: decodeRequest(pdu) })
  })
  const answer = (pdu: string, transaction: number | null = seen.at(-1)!.transaction, unit = 1): void => {
    far.write(ADU_CODECS[framing].encode({ transaction, unit, pdu: fromHex(pdu) }))
  }
  const asked = (count: number): Promise<void> => until(() => seen.length >= count, `request ${count} was not sent`)
  return { client, far, seen, answer, asked }
}

describe('Modbus client', () => {
  it('reads and writes a device of ours', async () => {
    const units = {
      3: {
        coils: [{ start: 0, cells: 32 }],
        discreteInputs: [{ start: 0, cells: [1, 0, 1] }],
        inputRegisters: [{ start: 0, cells: [7, 8] }],
        holdingRegisters: [{ start: 0, cells: 200 }],
      },
    }
    const server = await ModbusServer.open('tcp://127.0.0.1:0', { units })
    const client = await ModbusClient.connect(server.url)
    await client.writeCoil(3, 1, true)
    await client.writeCoils(3, 8, [true, false, true])
    expect(await client.readCoils(3, 0, 11)).to.deep.equal(
      [1, 8, 10].reduce((bits, at) => bits.with(at, true), new Array<boolean>(11).fill(false)),
    )
    expect(await client.readDiscreteInputs(3, 0, 3)).to.deep.equal([true, false, true])
    expect(await client.readInputRegisters(3, 0, 2)).to.deep.equal([7, 8])
    await client.writeRegister(3, 0, 0xffff)
    await client.writeRegisters(3, 1, [1, 2, 3])
    expect(await client.readHoldingRegisters(3, 0, 5)).to.deep.equal([0xffff, 1, 2, 3, 0])
    const refused = await rejection(client.readHoldingRegisters(3, 199, 2))
    expect([refused.code, refused.details['exception']]).to.deep.equal(['modbus.exception', 2])
    expect((await rejection(client.readCoils(4, 0, 1))).details['exception']).to.equal(0x0b)
    expect(client.counters).to.include({ requests: 10, answers: 8, exceptions: 2, timeouts: 0 })
    await client.close()
    await server.close()
  })

  it('sends one request at a time, in the order of the calls', async () => {
    const { client, seen, answer, asked } = setUp()
    const answers = [1, 2, 3].map((address) => client.request(1, read(address)))
    for (let i = 1; i <= 3; i++) {
      await asked(i)
      expect(seen).to.have.length(i)
      answer(`03 02 000${i}`)
    }
    const values = (await Promise.all(answers)).map((response) => 'values' in response && response.values[0])
    expect(values).to.deep.equal([1, 2, 3])
    expect(seen.map(({ request }) => 'address' in request && request.address)).to.deep.equal([1, 2, 3])
    await client.close()
  })

  it('fails only the request that got no answer, and is not misled by its late answer', async () => {
    const { client, seen, answer, asked } = setUp()
    const error = await rejection(client.request(1, read(1), 20))
    expect([error.code, error.details['sent']]).to.deep.equal(['modbus.client.timeout', true])
    const second = client.request(1, read(2))
    await asked(2)
    answer('03 02 1111', seen[0]!.transaction)
    answer('03 02 2222')
    expect(await second).to.deep.equal({ kind: 'readHoldingRegisters', values: [0x2222] })
    expect(client.counters).to.include({ timeouts: 1, foreign: 1, answers: 1 })
    await client.close()
  })

  it('lets a request run out while it waits, without sending it', async () => {
    const { client, seen, answer, asked } = setUp()
    const first = client.request(1, read(1))
    const error = await rejection(client.request(1, read(2), 20))
    expect([error.code, error.details['sent']]).to.deep.equal(['modbus.client.timeout', false])
    await asked(1)
    answer('03 02 0001')
    await first
    expect(seen).to.have.length(1)
    await client.close()
  })

  it('is not misled by frames of other units and functions, or nobody asked for', async () => {
    const { client, answer, asked } = setUp()
    answer('03 02 9999', 1)
    await until(() => client.counters.foreign === 1, 'the answer without a request was not discarded')
    const response = client.request(1, read(1))
    await asked(1)
    answer('03 02 8888', undefined, 2)
    answer('04 02 7777')
    answer('03 02 0001')
    expect(await response).to.deep.equal({ kind: 'readHoldingRegisters', values: [1] })
    expect(client.counters.foreign).to.equal(3)
    await client.close()
  })

  it('rejects an answer that lies, and goes on', async () => {
    const { client, answer, asked } = setUp()
    const lie = rejection(client.request(1, { kind: 'writeSingleRegister', address: 1, value: 3 }))
    await asked(1)
    answer('06 0001 DEAD')
    expect((await lie).code).to.equal('modbus.client.answer')
    const next = client.request(1, read(1))
    await asked(2)
    answer('03 02 0001')
    await next
    await client.close()
  })

  it('waits on a serial line until the late answer has passed', async () => {
    const { client, seen, answer, asked } = setUp({ framing: 'rtu' })
    const first = rejection(client.request(1, read(1), 20))
    await asked(1)
    expect((await first).code).to.equal('modbus.client.timeout')
    const second = client.request(1, read(2))
    answer('03 02 1111') // late: the same unit, function and length as the next answer
    await until(() => client.counters.foreign === 1, 'the late answer was not discarded')
    expect(seen).to.have.length(1)
    await asked(2)
    answer('03 02 2222')
    expect(await second).to.deep.equal({ kind: 'readHoldingRegisters', values: [0x2222] })
    await client.close()
  })

  it('tells of each open request, when the connection ends, whether it was sent', async () => {
    const { client, far, asked } = setUp()
    const open = [1, 2].map((address) => rejection(client.request(1, read(address))))
    await asked(1)
    far.destroy()
    const errors = await Promise.all(open)
    expect(errors.map(({ code, details }) => [code, details['sent']])).to.deep.equal([
      ['modbus.client.closed', true],
      ['modbus.client.closed', false],
    ])
    expect((await rejection(client.request(1, read(3)))).code).to.equal('modbus.client.closed')
  })

  it('refuses what it cannot send', async () => {
    const { client } = setUp({ maxQueued: 1 })
    expect(usageError(() => client.request(1, { kind: 'readCoils', address: 0, quantity: 0 })).code).to.equal(
      'modbus.pdu.quantity',
    )
    const open = [1, 2].map((address) => rejection(client.request(1, read(address))))
    // At once, not when its turn comes: then nobody could catch it.
    for (const unit of [-1, 1.5, 256, NaN]) {
      expect(usageError(() => client.request(unit, read(1))).code).to.equal('modbus.client.unit')
    }
    expect(usageError(() => client.request(1, read(3))).code).to.equal('modbus.client.queue')
    await client.close()
    await Promise.all(open)
    const serial = setUp({ framing: 'rtu' })
    expect(usageError(() => serial.client.request(0, read(1))).code).to.equal('modbus.client.broadcast')
    await serial.client.close()
    expect(usageError(() => new ModbusClient({} as Connection, { timeout: 0 })).code).to.equal('modbus.client.option')
  })
})

describe('Modbus client that keeps itself connected', () => {
  const units = { 1: { holdingRegisters: [{ start: 0, cells: [7, 8, 9] }] } }
  const reconnect = { base: 5, max: 20 }

  it('takes requests before there is a connection, and outlives its server', async () => {
    let server = await ModbusServer.open('tcp://127.0.0.1:0', { units })
    const { url } = server
    await server.close()
    const client = ModbusClient.open(url, { reconnect, timeout: 5000, retries: 1 })
    const failures: string[] = []
    client.failures.subscribe(({ code }) => failures.push(code))
    const early = client.readHoldingRegisters(1, 0, 3)
    await until(() => failures.length > 0, 'no attempt failed')
    server = await ModbusServer.open(url, { units })
    expect(await early).to.deep.equal([7, 8, 9])
    await server.close()
    await until(() => !client.connected, 'still connected')
    const meanwhile = client.readHoldingRegisters(1, 1, 1)
    server = await ModbusServer.open(url, { units })
    expect(await meanwhile).to.deep.equal([8])
    expect(failures[0]).to.equal('transport.connect.refused')
    await client.close()
    await server.close()
  })

  it('tells who waits for a device that cannot be reached that it cannot', async () => {
    const client = ModbusClient.open('tcp://127.0.0.1:1', { reconnect, timeout: 30 })
    const error = await rejection(client.readCoils(1, 0, 1))
    expect([error.code, error.details['sent']]).to.deep.equal(['modbus.client.timeout', false])
    expect(error.message).to.contain('cannot be reached')
    const waiting = rejection(client.readCoils(1, 0, 1, { timeout: 10_000 }))
    await client.close()
    expect((await waiting).code).to.equal('modbus.client.closed')
  })

  it('opens another connection when its peer is there and says nothing any more', async () => {
    const mute = createServer((socket) => socket.on('error', () => undefined).resume())
    let connections = 0
    mute.on('connection', () => connections++)
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const options = { reconnect, timeout: 20, giveUpAfter: 2, backoff: { failures: 50 } }
    const client = ModbusClient.open(`tcp://127.0.0.1:${port}`, options)
    const failures: string[] = []
    client.failures.subscribe(({ code }) => failures.push(code))
    await until(async () => {
      await rejection(client.readCoils(1, 0, 1))
      return connections > 1
    }, 'it keeps the dead connection')
    expect(failures).to.include('modbus.client.mute')
    await client.close()
    mute.close()
  })

  it('lets a request be given up by its signal', async () => {
    const { client, seen, answer, asked } = setUp()
    const first = client.request(1, read(1))
    const abort = new AbortController()
    const second = rejection(client.request(1, read(2), { signal: abort.signal }))
    abort.abort()
    expect((await second).code).to.equal('modbus.client.cancelled')
    expect((await rejection(client.request(1, read(3), { signal: abort.signal }))).code).to.equal(
      'modbus.client.cancelled',
    )
    await asked(1)
    answer('03 02 0001')
    await first
    expect(seen).to.have.length(1)
    await client.close()
  })
})
