import { expect } from 'chai'
import { ModbusClient, ModbusServer, Poller, parseDeviceMap, unitOfMap } from '@gridseal/modbus'
import type { PollResult } from '@gridseal/modbus'
import { until } from '../support/peers.ts'

const MAP = `
limits: { gap: 8 }
classes: { fast: 40ms, slow: 10s }
points:
  - { name: Voltage, address: 0, type: float32, unit: V, initial: 230.5 }
  - { name: Current, address: 4, scale: 0.1, unit: A, initial: 1.5 }
  - { name: Relay, table: co, address: 0, initial: true }
  - { name: Energy, address: 100, type: uint32, unit: Wh, class: slow, initial: 99 }
`

describe('Modbus poller', () => {
  const map = parseDeviceMap(MAP, 'map.yaml')
  let server: ModbusServer
  let client: ModbusClient
  let poller: Poller
  let results: PollResult[]
  const value = (name: string): unknown =>
    results.flatMap(({ readings }) => readings).findLast(({ point }) => point === name)?.value

  beforeEach(() => {
    results = []
    poller = new Poller()
    poller.results.subscribe((result) => results.push(result))
  })
  afterEach(async () => {
    await poller.stop()
    await client.close()
    await server.close()
  })

  it('reads each class as often as it says, near points together, with names and units', async () => {
    const unit = { ...unitOfMap(map), holdingRegisters: [{ start: 0, cells: 200 }] }
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 3: unit } })
    server.device.registers(3)!.holdingRegisters.set(0, [0x4366, 0x8000, 0, 0, 15])
    client = await ModbusClient.connect(server.url)
    poller.add({ client, unit: 3, map, link: 'meter', period: 40 })
    poller.start()
    await until(() => poller.counters.polls >= 9, 'too few polls')
    expect([value('Voltage'), value('Current'), value('Relay'), value('Energy')]).to.deep.equal([230.5, 1.5, true, 0])
    const voltage = results.flatMap(({ readings }) => readings).find(({ point }) => point === 'Voltage')!
    expect(voltage).to.include({ link: 'meter', unit: 'V', quality: 'good' })
    expect(new Set(results.map(({ read }) => `${read.table} ${read.address}+${read.quantity}`))).to.deep.equal(
      new Set(['hr 0+5', 'co 0+1', 'hr 100+2']),
    )
  })

  it('takes reads apart that run over holes of the device', async () => {
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: unitOfMap(map) } })
    client = await ModbusClient.connect(server.url)
    poller.add({ client, unit: 1, map, period: 30 })
    poller.start()
    await until(() => value('Voltage') !== undefined && value('Current') !== undefined, 'not taken apart')
    expect(client.counters.exceptions).to.equal(1)
    expect([value('Voltage'), value('Current')]).to.deep.equal([230.5, 1.5])
    expect(results.every(({ error }) => error === undefined)).to.equal(true)
  })

  it('tells of what fails, goes on, and keeps its times', async () => {
    server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 2: unitOfMap(map) }, unknownUnit: 'silence' })
    client = await ModbusClient.connect(server.url, { timeout: 100, backoff: { failures: 100 } })
    poller.add({ client, unit: 1, map: { ...map, points: [map.points[0]!] }, period: 40 })
    poller.start()
    await until(() => poller.counters.failed >= 3, 'nothing failed')
    expect(results[0]).to.have.nested.property('error.code', 'modbus.client.timeout')
    expect(poller.counters.overruns).to.be.least(2)
    await poller.stop()
    const { failed } = poller.counters
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(poller.counters.failed).to.equal(failed)
  })
})
