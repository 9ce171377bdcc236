import { createInterface } from 'node:readline'
import { InternalError, UsageError } from '@gridseal/wire'
import { CLIENTS } from './clients.ts'

// A client as a process of its own, so that a figure is for it alone: `ask.ts NAME PORT IN-FLIGHT`. To a number on
// standard input it makes so many reads and answers with the seconds and the microseconds of CPU that they took.

const REGISTERS = 10
const ADDRESSES = 900

const [name, port, inFlight] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const client = await CLIENTS.find((one) => one.name === name)?.open(port, inFlight)
if (client === undefined) throw new UsageError('bench.client', `there is no client ${name}`)

async function readMany(count: number): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const address = left % ADDRESSES
      const values = await client!.read(address, REGISTERS)
      if (values[REGISTERS - 1] !== address + REGISTERS - 1) throw new InternalError('bench.client', 'wrong registers')
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await readMany(Number(line))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  console.log(JSON.stringify({ seconds, cpu: user + system }))
}
process.exit(0)
