import { expect } from 'chai'
import { ModbusClient, ModbusServer } from '@gridseal/modbus'
import type { UnitOptions } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'
import { needPeer } from '../../../../test/support/requirements.ts'
import { rejection } from '../support/errors.ts'
import {
  freePort,
  hasOpen,
  openPtyPair,
  pythonWithLibmodbus,
  pythonWithPymodbus,
  run,
  startLibmodbus,
  startPymodbus,
  until,
} from '../support/peers.ts'
import type { PtyPair, Running } from '../support/peers.ts'

const unit: UnitOptions = {
  coils: [{ start: 0, cells: [1, 0, 1, 1, 0, 0, 0, 0, 1] }],
  discreteInputs: [{ start: 0, cells: [0, 1, 1] }],
  inputRegisters: [{ start: 0, cells: [0x42f6, 0xe979, 7] }],
  holdingRegisters: [{ start: 0, cells: [10, 11, 12, 13, 14] }],
  serverId: { id: 0x47, text: 'Gridseal' },
}

/** The values that mbpoll prints, by reference. */
function polled(output: string): Record<string, string> {
  const lines = output.matchAll(/^\[(\d+)\]:\s+(\S+)/gm)
  return Object.fromEntries(Array.from(lines, ([, reference, value]) => [reference, value]))
}

describe('Modbus server, asked by mbpoll (libmodbus)', () => {
  let server: ModbusServer
  let ports: PtyPair | undefined

  before(function () {
    needPeer(this, 'mbpoll')
  })
  afterEach(async () => {
    await server.close()
    await ports?.close()
    ports = undefined
  })

  const cases = (mbpoll: (...args: string[]) => Promise<{ code: number | null; output: string }>): void => {
    it('reads every table', async () => {
      expect(polled((await mbpoll('-t', '4', '-r', '1', '-c', '5')).output)).to.deep.equal({
        1: '10',
        2: '11',
        3: '12',
        4: '13',
        5: '14',
      })
      expect(polled((await mbpoll('-t', '3', '-r', '3')).output)).to.deep.equal({ 3: '7' })
      expect(polled((await mbpoll('-t', '0', '-r', '1', '-c', '9')).output)).to.deep.equal(
        Object.fromEntries([1, 0, 1, 1, 0, 0, 0, 0, 1].map((bit, i) => [i + 1, String(bit)])),
      )
      expect(polled((await mbpoll('-t', '1', '-r', '1', '-c', '3')).output)).to.deep.equal({ 1: '0', 2: '1', 3: '1' })
      expect(polled((await mbpoll('-t', '3:float', '-B', '-r', '1')).output)).to.deep.equal({ 1: '123.456' })
    })

    it('writes one and several values', async () => {
      const { coils, holdingRegisters } = server.device.registers(1)!
      await mbpoll('-t', '4', '-r', '2', '99')
      await mbpoll('-t', '4', '-r', '3', '100', '101')
      await mbpoll('-t', '0', '-r', '2', '1')
      expect([...holdingRegisters.find(0, 5)!]).to.deep.equal([10, 99, 100, 101, 14])
      expect(coils.get(1)).to.equal(1)
    })

    it('is told what is not there', async () => {
      expect((await mbpoll('-t', '4', '-r', '5', '-c', '2')).output).to.contain('Illegal data address')
    })
  }

  describe('over TCP', () => {
    beforeEach(async () => {
      server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unit } })
    })
    cases((...args) => {
      const [values, options] = split(args)
      return run('mbpoll', [
        '-m',
        'tcp',
        '-p',
        new URL(server.url).port,
        '-a',
        '1',
        '-1',
        ...options,
        '127.0.0.1',
        ...values,
      ])
    })
  })

  describe('over a serial line, RTU', () => {
    beforeEach(async function () {
      needPeer(this, 'socat')
      ports = await openPtyPair()
      server = await ModbusServer.open(`serial://${ports.a}?baud=19200`, { units: { 1: unit } })
    })
    const mbpoll = (...args: string[]) => {
      const [values, options] = split(args)
      return run('mbpoll', ['-m', 'rtu', '-b', '19200', '-P', 'none', '-a', '1', '-1', ...options, ports!.b, ...values])
    }
    cases(mbpoll)

    it('reports what it is (function 17)', async () => {
      const { output } = await mbpoll('-u')
      expect(output).to.match(/Id\s*: 0x47\s+Status: On\s+Data\s*: Gridseal/)
      expect(server.counters).to.include({ invalid: 0, discarded: 0 })
    })
  })
})

/** mbpoll wants the values to write behind the device. */
function split(args: readonly string[]): [values: string[], options: string[]] {
  const last = args.findLastIndex((arg) => arg.startsWith('-'))
  return [args.slice(last + 2), args.slice(0, last + 2)]
}

describe('Modbus client, asking pymodbus', () => {
  let device: Running | undefined
  let ports: PtyPair | undefined
  let client: ModbusClient

  afterEach(async () => {
    await client.close()
    await device?.stop()
    await ports?.close()
    ports = undefined
  })

  const exchange = async (): Promise<void> => {
    expect(await client.readHoldingRegisters(1, 100, 125)).to.deep.equal(Array.from({ length: 125 }, (_, i) => 100 + i))
    expect(await client.readInputRegisters(1, 7, 1)).to.deep.equal([7])
    expect(await client.readCoils(1, 0, 11)).to.deep.equal(Array.from({ length: 11 }, (_, i) => i % 2 === 0))
    expect(await client.readDiscreteInputs(1, 1, 2)).to.deep.equal([false, true])
    await client.writeRegister(1, 5, 0xabcd)
    await client.writeRegisters(1, 6, [1, 2, 3])
    expect(await client.readHoldingRegisters(1, 5, 4)).to.deep.equal([0xabcd, 1, 2, 3])
    await client.writeCoil(1, 1, true)
    await client.writeCoils(1, 2, [false, true])
    expect(await client.readCoils(1, 0, 4)).to.deep.equal([true, true, false, true])
    const masked: Parameters<typeof client.request>[1] = {
      kind: 'maskWriteRegister',
      address: 5,
      and: 0xf0f0,
      or: 0x0505,
    }
    expect(await client.request(1, masked)).to.deep.equal(masked)
    expect(await client.readHoldingRegisters(1, 5, 1)).to.deep.equal([(0xabcd & 0xf0f0) | (0x0505 & 0x0f0f)])
    const both = { readAddress: 10, readQuantity: 2, writeAddress: 11, writeQuantity: 1, values: [0x1234] }
    const readBack = await client.request(1, { kind: 'readWriteMultipleRegisters', ...both })
    expect(readBack).to.deep.equal({ kind: 'readWriteMultipleRegisters', values: [10, 0x1234] })
    const identification = await client.request(1, { kind: 'readDeviceIdentification', code: 1, objectId: 0 })
    expect('objects' in identification && Buffer.from(identification.objects[0]!.value).toString()).to.equal('pymodbus')
    const echo = { kind: 'diagnostics' as const, subFunction: 0, data: fromHex('A537') }
    expect(await client.request(1, echo)).to.deep.equal(echo)
    const refused = await rejection(client.readHoldingRegisters(1, 5000, 1))
    expect([refused.code, refused.details['exception']]).to.deep.equal(['modbus.exception', 2])
  }

  const answers = (asked: ModbusClient): Promise<boolean> =>
    asked.readInputRegisters(1, 0, 1).then(
      () => true,
      () => false,
    )

  it('over TCP', async function () {
    const python = await pythonWithPymodbus(this)
    const port = await freePort()
    device = startPymodbus(python, 'tcp', String(port))
    await until(async () => {
      const opened = await ModbusClient.connect(`tcp://127.0.0.1:${port}`).catch(() => undefined)
      if (opened !== undefined) client = opened
      return opened !== undefined
    }, 'pymodbus does not listen')
    await exchange()
  })

  it('over a serial line, RTU', async function () {
    needPeer(this, 'socat')
    const python = await pythonWithPymodbus(this)
    ports = await openPtyPair()
    const line = ports.a
    const server = startPymodbus(python, 'rtu', line)
    device = server
    // Requests that wait in the line when it opens are answered all at once: there must be none.
    await until(() => hasOpen(server, line), 'pymodbus does not open its port')
    client = await ModbusClient.connect(`serial://${ports.b}?baud=19200`, { timeout: 5000 })
    await until(() => answers(client), 'pymodbus does not answer')
    await exchange()
  })
})

describe('Modbus client, asking libmodbus', () => {
  let device: Running | undefined
  let ports: PtyPair | undefined
  let client: ModbusClient | undefined

  afterEach(async () => {
    await client?.close()
    await device?.stop()
    await ports?.close()
    client = device = ports = undefined
  })

  const exchange = async (asked: ModbusClient): Promise<void> => {
    expect(await asked.readHoldingRegisters(1, 100, 125)).to.deep.equal(Array.from({ length: 125 }, (_, i) => 100 + i))
    expect(await asked.readInputRegisters(1, 7, 1)).to.deep.equal([7])
    expect(await asked.readCoils(1, 0, 11)).to.deep.equal(Array.from({ length: 11 }, (_, i) => i % 2 === 0))
    expect(await asked.readDiscreteInputs(1, 1, 2)).to.deep.equal([false, true])
    await asked.writeRegister(1, 5, 0xabcd)
    await asked.writeRegisters(1, 6, [1, 2, 3])
    await asked.writeCoils(1, 1, [true, false, true])
    expect(await asked.readHoldingRegisters(1, 5, 4)).to.deep.equal([0xabcd, 1, 2, 3])
    expect(await asked.readCoils(1, 0, 4)).to.deep.equal([true, true, false, true])
    const both = { readAddress: 10, readQuantity: 2, writeAddress: 11, writeQuantity: 1, values: [0x1234] }
    const readBack = await asked.request(1, { kind: 'readWriteMultipleRegisters', ...both })
    expect(readBack).to.deep.equal({ kind: 'readWriteMultipleRegisters', values: [10, 0x1234] })
    const server = await asked.request(1, { kind: 'reportServerId' })
    expect('data' in server && Buffer.from(server.data).toString('latin1')).to.contain('LMB')
    const refused = await rejection(asked.readHoldingRegisters(1, 999, 2))
    expect([refused.code, refused.details['exception']]).to.deep.equal(['modbus.exception', 2])
  }

  it('over TCP, and again after the device was killed and came back', async function () {
    const python = await pythonWithLibmodbus(this)
    const port = await freePort()
    client = ModbusClient.open(`tcp://127.0.0.1:${port}`, {
      timeout: 10_000,
      retries: 1,
      reconnect: { base: 20, max: 100 },
    })
    device = startLibmodbus(python, 'tcp', String(port))
    await exchange(client)
    await device.stop()
    device = startLibmodbus(python, 'tcp', String(port))
    expect(await client.readHoldingRegisters(1, 40, 2)).to.deep.equal([40, 41])
  })

  it('over TCP with 16 requests under way', async function () {
    const python = await pythonWithLibmodbus(this)
    const port = await freePort()
    client = ModbusClient.open(`tcp://127.0.0.1:${port}`, { timeout: 10_000, inFlight: 16 })
    device = startLibmodbus(python, 'tcp', String(port))
    const asked = client
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => asked.readHoldingRegisters(1, i, 1 + (i % 20))),
    )
    answers.forEach((values, i) => expect(values).to.deep.equal(Array.from({ length: 1 + (i % 20) }, (_, k) => i + k)))
  })

  it('over a serial line, RTU', async function () {
    needPeer(this, 'socat')
    const python = await pythonWithLibmodbus(this)
    ports = await openPtyPair()
    const line = ports.a
    const server = startLibmodbus(python, 'rtu', line)
    device = server
    await until(() => hasOpen(server, line), 'libmodbus does not open its port')
    client = await ModbusClient.connect(`serial://${ports.b}?baud=19200`, { timeout: 5000 })
    await exchange(client)
  })
})
