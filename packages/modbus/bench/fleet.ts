import { ModbusClient, ModbusServer, Poller, mapOfRanges } from '@gridseal/modbus'
import { describeError } from '@gridseal/wire'
import type { Report } from '../../../test/support/bench.ts'
import { median, quantile } from '../../../test/support/bench.ts'

const SUITE = 'modbus'
const UNIT = { holdingRegisters: [{ start: 0, cells: 100 }] }
const PERIOD = 1000
const LINE_SECONDS = 12
const RESPONSE_TIMEOUT = 50
const QUEUED = 10_000

const DEVICES = 5000
const FLEET_PERIOD = 10_000
const FLEET_SECONDS = 31
/** What a full queue of its listener costs a connection is not the poller's. */
const CONNECT_SECONDS = 30

/** A line of four units polled once a second, with all of them alive and with one dead: how far the others' period moves. */
export async function benchDeadUnit(report: Report): Promise<void> {
  for (const dead of [false, true]) {
    const units = dead ? { 1: UNIT, 2: UNIT, 3: UNIT } : { 1: UNIT, 2: UNIT, 3: UNIT, 4: UNIT }
    // RTU over TCP has the rules of a line: one request at a time, no transaction ids, silence from who is not there.
    const server = await ModbusServer.open('tcp://127.0.0.1:0', { units, framing: 'rtu' })
    const client = ModbusClient.open(server.url, {
      framing: 'rtu',
      timeout: PERIOD,
      responseTimeout: RESPONSE_TIMEOUT,
      giveUpAfter: 0,
    })
    const poller = new Poller()
    const times = new Map<number, number[]>()
    poller.results.subscribe(({ unit, error }) => {
      if (error === undefined) times.set(unit, [...(times.get(unit) ?? []), performance.now()])
    })
    const map = mapOfRanges([{ table: 'hr', address: 0, quantity: 10 }])
    for (const unit of [1, 2, 3, 4]) poller.add({ client, unit, map, period: PERIOD })
    poller.start()
    await new Promise((resolve) => setTimeout(resolve, LINE_SECONDS * 1000))
    await poller.stop()
    await client.close()
    await server.close()
    const periods = [1, 2, 3].flatMap((unit) => between(times.get(unit) ?? []))
    const name = dead ? 'line of 4 units, 1 dead' : 'line of 4 units, all alive'
    const versus = dead ? { versus: 'line of 4 units, all alive' } : {}
    const figure = { suite: SUITE, case: name, unit: 'ms', runs: periods.length, ...versus }
    const mean = periods.reduce((sum, period) => sum + period, 0) / periods.length
    report({ ...figure, metric: 'period of the others', value: Number(mean.toFixed(1)) })
    report({ ...figure, metric: 'period p50', value: Number(median(periods).toFixed(1)) })
    report({ ...figure, metric: 'period p99', value: Number(quantile(periods, 0.99).toFixed(1)) })
  }
}

function between(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!)
}

/** Memory that a client's queue takes with ten thousand requests in it. */
export async function benchQueue(report: Report): Promise<void> {
  const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: UNIT } })
  const client = ModbusClient.open(server.url, { timeout: 60_000, maxQueued: QUEUED })
  await client.readHoldingRegisters(1, 0, 1)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const start = performance.now()
  const answers: Promise<unknown>[] = []
  for (let i = 0; i < QUEUED; i++) answers.push(client.readHoldingRegisters(1, i % 90, 10))
  const full = process.memoryUsage().heapUsed
  await Promise.all(answers)
  const seconds = (performance.now() - start) / 1000
  const figure = { suite: SUITE, case: '10,000 queued requests', runs: 1 }
  report({ ...figure, metric: 'memory', value: Number(((full - before) / 1e6).toFixed(1)), unit: 'MB' })
  report({ ...figure, metric: 'rate', value: Math.round(QUEUED / seconds), unit: 'requests/s' })
  await client.close()
  await server.close()
}

/** Five thousand devices, each with a connection of its own, polled once every ten seconds by one process. */
export async function benchFleet(report: Report): Promise<void> {
  const server = await ModbusServer.open('tcp://127.0.0.1:0', { units: { 1: UNIT }, maxConnections: DEVICES })
  const poller = new Poller()
  const map = mapOfRanges([{ table: 'hr', address: 0, quantity: 10 }])
  const errors: string[] = []
  const seen = new Set<string>()
  poller.results.subscribe(({ link, error }) => {
    if (error === undefined) seen.add(link)
    else errors.push(describeError(error))
  })
  const clients: ModbusClient[] = []
  for (let i = 0; i < DEVICES; i++) {
    const client = ModbusClient.open(server.url, { timeout: 5000 })
    clients.push(client)
    poller.add({ client, unit: 1, map, link: `device ${i}`, period: FLEET_PERIOD })
    // A listener of this process keeps 511 connections that it has not accepted yet; more would be dialled again.
    if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  for (let tries = 0; server.connections < DEVICES && tries < CONNECT_SECONDS; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  const cpu = process.cpuUsage()
  poller.start()
  await new Promise((resolve) => setTimeout(resolve, FLEET_SECONDS * 1000))
  const { user, system } = process.cpuUsage(cpu)
  await poller.stop()
  const { polls, failed, overruns } = poller.counters
  const figure = { suite: SUITE, case: '5,000 TCP devices, every 10 s', runs: 1 }
  report({ ...figure, metric: 'devices answered', value: seen.size, unit: 'devices' })
  report({ ...figure, metric: 'polls', value: polls, unit: 'requests' })
  report({ ...figure, metric: 'failed', value: failed + overruns, unit: 'requests' })
  // Devices and poller share the process here: the figure is for both ends.
  report({
    ...figure,
    metric: 'cpu of both ends',
    value: Number(((user + system) / (FLEET_SECONDS * 10_000)).toFixed(1)),
    unit: '% of a core',
  })
  report({ ...figure, metric: 'memory', value: Math.round(process.memoryUsage().rss / 1e6), unit: 'MB' })
  if (errors.length > 0) process.stderr.write(`${errors.length} errors, the first: ${errors[0]}\n`)
  await Promise.all(clients.map((client) => client.close()))
  await server.close()
}
