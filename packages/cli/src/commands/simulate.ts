import { readFile } from 'node:fs/promises'
import { parseDuration } from '@gridseal/bridge'
import { ModbusServer, meterUnit, parseDeviceMap, sunSpecUnit, unitOfMap } from '@gridseal/modbus'
import type { Framing, UnitOptions } from '@gridseal/modbus'
import { UsageError, describeError } from '@gridseal/wire'
import { EXIT, complain, print, toJson, untilStopped } from '../output.ts'

export interface SimulateModbusOptions {
  readonly listen: string
  readonly unit: readonly number[]
  readonly framing?: Framing
  readonly profile: 'meter' | 'sunspec'
  /** Device map whose points the units have, instead of a profile. */
  readonly model?: string
  /** The first unit answers as 0 and 255, too. */
  readonly direct: boolean
  readonly unknownUnit: 'exception' | 'silence'
  readonly json: boolean
  /** End after this duration. */
  readonly for?: string
}

/** Modbus units, meters unless told otherwise, whose values move; prints `ready URL` when it takes connections. */
export async function simulateModbus(options: SimulateModbusOptions): Promise<number> {
  const { framing, unit, unknownUnit, direct } = options
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const make = await unitMaker(options)
  const server = await ModbusServer.open(options.listen, {
    units: Object.fromEntries(unit.map((id) => [id, make(id)])),
    unknownUnit,
    ...(direct && unit[0] !== undefined ? { directUnit: unit[0] } : {}),
    ...(framing === undefined ? {} : { framing }),
  })
  print(options.json ? toJson({ kind: 'ready', url: server.url }) : `ready ${server.url}`)
  await untilStopped(limit)
  const { counters } = server
  await server.close()
  if (options.json) print(toJson({ kind: 'summary', ...counters }))
  return EXIT.ok
}

async function unitMaker({ model, profile }: SimulateModbusOptions): Promise<(id: number) => UnitOptions> {
  const serial = (id: number): string => String(id).padStart(4, '0')
  if (model === undefined) return (id) => (profile === 'sunspec' ? sunSpecUnit(serial(id)) : meterUnit(serial(id)))
  const source = await readFile(model, 'utf8').catch((error: unknown) => {
    throw new UsageError('simulate.model', `cannot read ${model}: ${describeError(error)}`, {}, error)
  })
  const map = parseDeviceMap(source, model)
  for (const warning of map.warnings) complain(`gridseal: ${warning}`)
  return () => unitOfMap(map)
}
