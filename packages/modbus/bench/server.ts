import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import type { Report } from '../../../test/support/bench.ts'
import { median, quantile } from '../../../test/support/bench.ts'
import { ServerProcess } from './support/child.ts'
import { PEERS } from './support/peers.ts'

const SUITE = 'modbus'
const RUNS = 5
/** Fewer of a server that answers some hundred times a second. */
const REQUESTS: Readonly<Record<string, number>> = { 'modbus-serial': 400 }
const MANY = 4000
const REGISTERS = 10
const ANSWER = 9 + 2 * REGISTERS

/** Servers answering one bare client, one request after the other; each server is a process of its own. */
export async function benchServers(report: Report): Promise<void> {
  const names = ['gridseal', ...PEERS.map(({ name }) => name)]
  const servers = await Promise.all(names.map((name) => ServerProcess.start(name)))
  const sockets = await Promise.all(servers.map(({ port }) => opened(port)))
  const runs = names.map(() => ({
    rate: [] as number[],
    cpu: [] as number[],
    p50: [] as number[],
    p99: [] as number[],
  }))
  // The first round warms up.
  for (let round = 0; round <= RUNS; round++) {
    for (const [index, name] of names.entries()) {
      const count = REQUESTS[name] ?? MANY
      const before = await servers[index]!.cpu()
      const start = performance.now()
      const times = await askMany(sockets[index]!, count)
      const seconds = (performance.now() - start) / 1000
      const cpu = (await servers[index]!.cpu()) - before
      if (round === 0) continue
      const run = runs[index]!
      run.rate.push(count / seconds)
      run.cpu.push(cpu / count)
      run.p50.push(quantile(times, 0.5))
      run.p99.push(quantile(times, 0.99))
    }
  }
  for (const [index, name] of names.entries()) {
    const { rate, cpu, p50, p99 } = runs[index]!
    const versus = name === 'gridseal' ? {} : { versus: 'server gridseal' }
    const figure = { suite: SUITE, case: `server ${name}`, runs: RUNS, ...versus }
    report({ ...figure, metric: 'rate', value: Math.round(median(rate)), unit: 'requests/s' })
    report({ ...figure, metric: 'latency p50', value: Number(median(p50).toFixed(1)), unit: 'µs' })
    report({ ...figure, metric: 'latency p99', value: Number(median(p99).toFixed(1)), unit: 'µs' })
    report({ ...figure, metric: 'cpu', value: Number(median(cpu).toFixed(2)), unit: 'µs/request' })
  }
  for (const socket of sockets) socket.destroy()
  for (const server of servers) await server.stop()
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** Microseconds of each round trip. */
async function askMany(socket: Socket, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    let received = 0
    await new Promise<void>((resolve) => {
      const take = (chunk: Buffer): void => {
        received += chunk.length
        if (received < ANSWER) return
        socket.off('data', take)
        resolve()
      }
      socket.on('data', take)
      socket.write(Buffer.of(i >> 8, i & 0xff, 0, 0, 0, 6, 1, 3, 0, i % 100, 0, REGISTERS))
    })
    times.push((performance.now() - start) * 1000)
  }
  return times
}
