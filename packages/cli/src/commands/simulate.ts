import { parseDuration } from '@gridseal/bridge'
import { ModbusServer, meterUnit } from '@gridseal/modbus'
import { EXIT, print, toJson, untilStopped } from '../output.ts'

export interface SimulateModbusOptions {
  readonly listen: string
  readonly unit: number
  readonly json: boolean
  /** End after this duration. */
  readonly for?: string
}

/** A Modbus meter whose voltages, currents, power and energy move; prints `ready URL` when it takes connections. */
export async function simulateModbus(options: SimulateModbusOptions): Promise<number> {
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const server = await ModbusServer.open(options.listen, { units: { [options.unit]: meterUnit() } })
  print(options.json ? toJson({ kind: 'ready', url: server.url }) : `ready ${server.url}`)
  await untilStopped(limit)
  const { counters } = server
  await server.close()
  if (options.json) print(toJson({ kind: 'summary', ...counters }))
  return EXIT.ok
}
