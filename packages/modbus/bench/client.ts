import type { Report } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'
import { Child } from './support/child.ts'
import { CLIENTS } from './support/clients.ts'

const SUITE = 'modbus'
const RUNS = 7
const REQUESTS = 5000
const PIPELINE = 32
const [OURS = ''] = CLIENTS.map(({ name }) => name)

/**
 * Clients reading ten registers from one and the same server, one request after the other and with 32 under way. Server
 * and clients are processes of their own; runs are interleaved, so that what else the machine does hits all alike.
 */
export async function benchClients(report: Report): Promise<void> {
  const server = await Child.start('serve.ts', 'bare')
  for (const inFlight of [1, PIPELINE]) {
    const how = inFlight === 1 ? 'sequential' : `${inFlight} in flight`
    const clients = await Promise.all(
      CLIENTS.map((one) => Child.start('ask.ts', one.name, server.greeting, String(inFlight))),
    )
    const runs = CLIENTS.map(() => ({ cpu: [] as number[], rate: [] as number[] }))
    // The first rounds warm up.
    for (let round = -2; round < RUNS; round++) {
      for (const [index, client] of clients.entries()) {
        const { seconds, cpu } = JSON.parse(await client.say(String(REQUESTS))) as { seconds: number; cpu: number }
        if (round < 0) continue
        runs[index]!.cpu.push(cpu / REQUESTS)
        runs[index]!.rate.push(REQUESTS / seconds)
      }
    }
    for (const [index, { name }] of CLIENTS.entries()) {
      const versus = name === OURS ? {} : { versus: `client ${OURS}, ${how}` }
      const figure = { suite: SUITE, case: `client ${name}, ${how}`, runs: RUNS, ...versus }
      const { cpu, rate } = runs[index]!
      report({ ...figure, metric: 'cpu', value: Number(median(cpu).toFixed(2)), unit: 'µs/request' })
      report({ ...figure, metric: 'cpu, least', value: Number(Math.min(...cpu).toFixed(2)), unit: 'µs/request' })
      report({ ...figure, metric: 'rate', value: Math.round(median(rate)), unit: 'requests/s' })
    }
    for (const client of clients) await client.stop()
  }
  await server.stop()
}
