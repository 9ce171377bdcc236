import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import type { Report } from '../../../test/support/bench.ts'
import { median, quantile } from '../../../test/support/bench.ts'
import { Child } from './support/child.ts'
import { PEERS } from './support/peers.ts'

const SUITE = 'modbus'
const RUNS = 5
/** Fewer of a server that answers some hundred times a second. */
const REQUESTS: Readonly<Record<string, number>> = { 'modbus-serial': 320 }
const MANY = 3200
const REGISTERS = 10
const PIPELINE = 32
const ANSWER = 9 + 2 * REGISTERS

/** Servers answering one bare client, one request after the other and 32 at a time; each is a process of its own. */
export async function benchServers(report: Report): Promise<void> {
  const names = ['gridseal', ...PEERS.map(({ name }) => name)]
  const servers = await Promise.all(names.map((name) => Child.start('serve.ts', name)))
  const sockets = await Promise.all(servers.map(({ greeting }) => opened(Number(greeting))))
  const runs = names.map(() => ({
    rate: [] as number[],
    busyRate: [] as number[],
    cpu: [] as number[],
    p50: [] as number[],
    p99: [] as number[],
  }))
  // The first round warms up.
  for (let round = 0; round <= RUNS; round++) {
    for (const [index, name] of names.entries()) {
      const count = REQUESTS[name] ?? MANY
      const before = Number(await servers[index]!.say('cpu'))
      const start = performance.now()
      const times = await askMany(sockets[index]!, count, 1)
      const seconds = (performance.now() - start) / 1000
      const cpu = Number(await servers[index]!.say('cpu')) - before
      const busy = performance.now()
      await askMany(sockets[index]!, count / PIPELINE, PIPELINE)
      const busySeconds = (performance.now() - busy) / 1000
      if (round === 0) continue
      const run = runs[index]!
      run.busyRate.push(count / busySeconds)
      run.rate.push(count / seconds)
      run.cpu.push(cpu / count)
      run.p50.push(quantile(times, 0.5))
      run.p99.push(quantile(times, 0.99))
    }
  }
  for (const [index, name] of names.entries()) {
    const { rate, busyRate, cpu, p50, p99 } = runs[index]!
    const versus = name === 'gridseal' ? {} : { versus: 'server gridseal' }
    const figure = { suite: SUITE, case: `server ${name}`, runs: RUNS, ...versus }
    report({ ...figure, metric: 'rate', value: Math.round(median(rate)), unit: 'requests/s' })
    report({
      ...figure,
      metric: `rate, ${PIPELINE} in flight`,
      value: Math.round(median(busyRate)),
      unit: 'requests/s',
    })
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

/** Microseconds of each round trip of `inFlight` requests, which leave in one write. */
async function askMany(socket: Socket, count: number, inFlight: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    let received = 0
    await new Promise<void>((resolve) => {
      const take = (chunk: Buffer): void => {
        received += chunk.length
        if (received < ANSWER * inFlight) return
        socket.off('data', take)
        resolve()
      }
      socket.on('data', take)
      const request = Buffer.of(i >> 8, i & 0xff, 0, 0, 0, 6, 1, 3, 0, i % 100, 0, REGISTERS)
      socket.write(inFlight === 1 ? request : Buffer.concat(new Array<Buffer>(inFlight).fill(request)))
    })
    times.push((performance.now() - start) * 1000)
  }
  return times
}
