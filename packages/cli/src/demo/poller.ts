import { METER_REGISTERS, ModbusClient, readMeter } from '@gridseal/modbus'
import { describeError } from '@gridseal/wire'
import { complain } from '../output.ts'

/** A named value of the meter, for the view. */
export interface MeterReading {
  readonly name: string
  readonly value: number
  readonly unit: string
}

const PERIOD_MS = 250
const DEADLINE_MS = 2000

/** A master that reads the simulated meter through both bridges. */
export class MeterPoller {
  readings: readonly MeterReading[] = []
  readonly polls: { done: number; failed: number } = { done: 0, failed: 0 }
  readonly #url: string
  #stopped = false
  #running: Promise<void> | undefined

  constructor(url: string) {
    this.#url = url
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    let client: ModbusClient | undefined
    while (!this.#stopped) {
      try {
        client ??= await ModbusClient.connect(this.#url, { timeout: DEADLINE_MS })
        this.readings = readMeter(await client.readInputRegisters(1, 0, METER_REGISTERS))
        this.polls.done++
      } catch (error) {
        this.polls.failed++
        complain(`poll: ${describeError(error)}`)
        await client?.close()
        client = undefined
      }
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS))
    }
    await client?.close()
  }
}
