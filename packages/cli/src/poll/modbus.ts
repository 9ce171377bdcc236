import { readFile } from 'node:fs/promises'
import { parseDuration } from '@gridseal/bridge'
import type { Reading } from '@gridseal/adapter'
import {
  ModbusClient,
  Poller,
  cellsIn,
  discoverSunSpec,
  mapOfRanges,
  mergeReads,
  parseDeviceMap,
  parseRangeName,
  readSunSpecBlock,
  readingsIn,
  requestOf,
  sunSpecValues,
  writeOf,
} from '@gridseal/modbus'
import type { DeviceMap, Framing, ReadRegisters, Value } from '@gridseal/modbus'
import { ProtocolError, UsageError, describeError } from '@gridseal/wire'
import { EXIT, complain, print, toJson, untilStopped } from '../output.ts'

export interface PollModbusOptions {
  readonly connect: string
  readonly framing?: Framing
  readonly unit: number
  readonly model?: string
  readonly read: readonly string[]
  readonly sunspec: boolean
  readonly identify: boolean
  readonly write: readonly string[]
  readonly period?: string
  readonly timeout: string
  readonly once: boolean
  readonly json: boolean
  readonly for?: string
}

const DEFAULT_PERIOD = 1000
const READ_DEVICE_IDENTIFICATION = [
  'vendor',
  'product',
  'revision',
  'url',
  'productName',
  'model',
  'application',
] as const
const REGULAR = 2
const MOST_PAGES = 32

/** A Modbus client that prints what it reads. Exit code 1 when `--once` did not get everything. */
export async function pollModbus(options: PollModbusOptions): Promise<number> {
  const { connect, unit, framing, json } = options
  const map = await mapOf(options)
  const writes = options.write.map((text) => parseWrite(text, map))
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const period = options.period === undefined ? undefined : parseDuration(options.period)
  if (map === undefined && !options.sunspec && !options.identify && writes.length === 0) {
    throw new UsageError('poll.nothing', 'say what to read: --read, --model, --sunspec, --identify or --write')
  }
  const client = ModbusClient.open(connect, {
    timeout: parseDuration(options.timeout),
    retries: 1,
    ...(framing === undefined ? {} : { framing }),
  })
  const failures = client.failures.subscribe((error) => complain(`gridseal: ${describeError(error)}`))
  const show = (reading: Reading): void => print(json ? toJson({ kind: 'reading', ...reading }) : readingText(reading))
  try {
    for (const request of writes) await client.request(unit, request)
    if (options.identify) await identify(client, unit, json)
    if (options.once) {
      if (map !== undefined) await readOnce(client, unit, map, show)
      if (options.sunspec) await readSunSpec(client, unit, show)
      return EXIT.ok
    }
    if (map === undefined && !options.sunspec) return EXIT.ok
    await readOn(client, { unit, map, sunspec: options.sunspec, period, limit, json }, show)
    return EXIT.ok
  } finally {
    failures.unsubscribe()
    await client.close()
  }
}

async function mapOf({ model, read }: PollModbusOptions): Promise<DeviceMap | undefined> {
  const ranges = mapOfRanges(read.map(parseRangeName))
  if (model === undefined) return read.length === 0 ? undefined : { ...ranges, classes: { normal: DEFAULT_PERIOD } }
  const source = await readFile(model, 'utf8').catch((error: unknown) => {
    throw new UsageError('poll.model', `cannot read ${model}: ${describeError(error)}`, {}, error)
  })
  const map = parseDeviceMap(source, model)
  for (const warning of map.warnings) complain(`gridseal: ${warning}`)
  const [first = 'normal'] = Object.keys(map.classes)
  return { ...map, points: [...map.points, ...ranges.points.map((point) => ({ ...point, readClass: first }))] }
}

function parseWrite(text: string, map: DeviceMap | undefined): ReturnType<typeof writeOf> {
  const at = text.lastIndexOf('=')
  const [name, written] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || written === '') throw new UsageError('poll.write', `"${text}": write it like hr/40001=5`)
  const point = map?.points.find((one) => one.name === name) ?? mapOfRanges([parseRangeName(name)]).points[0]!
  return writeOf(point, valueOf(written, point.type))
}

function valueOf(text: string, type: string): Value {
  if (type === 'string') return text
  if (type === 'bool' && ['on', 'true', '1', 'off', 'false', '0'].includes(text))
    return ['on', 'true', '1'].includes(text)
  const value = Number(text)
  if (Number.isFinite(value) && type !== 'bool') return value
  throw new UsageError('poll.write', `"${text}" is no ${type === 'bool' ? 'state: on or off' : 'number'}`)
}

async function readOnce(
  client: ModbusClient,
  unit: number,
  map: DeviceMap,
  show: (reading: Reading) => void,
): Promise<void> {
  for (const read of mergeReads(map.points, map.limits)) {
    const cells = cellsIn(await client.request(unit, requestOf(read)), read.quantity)
    for (const reading of readingsIn(read, cells, `u${unit}`, now())) show(reading)
  }
}

interface Going {
  readonly unit: number
  readonly map: DeviceMap | undefined
  readonly sunspec: boolean
  readonly period: number | undefined
  readonly limit: number | undefined
  readonly json: boolean
}

/** Reads until it is stopped. */
async function readOn(client: ModbusClient, going: Going, show: (reading: Reading) => void): Promise<void> {
  const { unit, map, sunspec, period, limit, json } = going
  const poller = new Poller()
  poller.results.subscribe(({ readings, error, read }) => {
    readings.forEach(show)
    if (error === undefined) return
    const where = `${read.table} ${read.address}+${read.quantity}`
    if (json) print(toJson({ kind: 'error', code: error.code, message: error.message, where }))
    else complain(`gridseal: ${where}: ${describeError(error)}`)
  })
  if (map !== undefined) poller.add({ client, unit, map, ...(period === undefined ? {} : { period }) })
  poller.start()
  const timer = sunspec ? setInterval(() => void again(), period ?? DEFAULT_PERIOD) : undefined
  let busy = false
  const again = async (): Promise<void> => {
    if (busy) return
    busy = true
    await readSunSpec(client, unit, show).catch((error: unknown) => complain(`gridseal: ${describeError(error)}`))
    busy = false
  }
  if (sunspec) await again()
  await untilStopped(limit)
  clearInterval(timer)
  await poller.stop()
  if (json) print(toJson({ kind: 'summary', ...poller.counters, ...client.counters }))
}

async function readSunSpec(client: ModbusClient, unit: number, show: (reading: Reading) => void): Promise<void> {
  const read: ReadRegisters = (address, quantity) => client.readHoldingRegisters(unit, address, quantity)
  const blocks = await discoverSunSpec(read)
  if (blocks.length === 0) throw new ProtocolError('poll.sunspec', `unit ${unit} has no SunSpec models`)
  for (const block of blocks) {
    if (block.model === undefined) continue
    const words = await readSunSpecBlock(read, block)
    for (const { name, value, unit: of, quality } of sunSpecValues(block.model, words)) {
      const point = `${block.id}/${name}`
      show({ link: `u${unit}`, time: now(), point, value, quality, ...(of === undefined ? {} : { unit: of }) })
    }
  }
}

async function identify(client: ModbusClient, unit: number, json: boolean): Promise<void> {
  const found: Record<string, string> = {}
  let objectId = 0
  for (let page = 0; page < MOST_PAGES; page++) {
    const request = { kind: 'readDeviceIdentification', code: REGULAR, objectId } as const
    const answer = await client.request(unit, request).catch(unlessRefused)
    if (answer?.kind !== 'readDeviceIdentification' || !('objects' in answer)) break
    for (const { id, value } of answer.objects) {
      found[READ_DEVICE_IDENTIFICATION[id] ?? `object ${id}`] = Buffer.from(value).toString()
    }
    // Pages that lead nowhere would never end.
    if (!answer.more || answer.nextObjectId <= objectId) break
    objectId = answer.nextObjectId
  }
  const server = await client.request(unit, { kind: 'reportServerId' }).catch(unlessRefused)
  if (server?.kind === 'reportServerId' && 'data' in server) {
    const { data } = server
    found['serverId'] = Buffer.from(data).toString('hex')
    // Id, run indicator, text: what most devices answer.
    found['serverText'] = Buffer.from(data.subarray(2)).toString('latin1')
  }
  if (json) print(toJson({ kind: 'identification', unit, ...found }))
  else for (const [name, value] of Object.entries(found)) print(`${name.padEnd(16)} ${value}`)
  if (Object.keys(found).length === 0) complain(`gridseal: unit ${unit} does not tell what it is`)
}

/** A device that has no such function says so; that is an answer, too. */
function unlessRefused(error: unknown): undefined {
  if (error instanceof ProtocolError && error.code === 'modbus.exception') return undefined
  throw error
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function readingText({ time, link, point, value, unit, quality }: Reading): string {
  const when = new Date(Number(time / 1_000_000n)).toISOString().slice(11, 23)
  const shown =
    typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(7))) : String(value)
  return `${when}  ${link.padEnd(5)} ${point.padEnd(24)} ${shown.padStart(14)} ${unit ?? ''}${quality === 'good' ? '' : ` (${quality})`}`
}
