import { once } from 'node:events'
import { connect } from 'node:net'
import { ModbusClient } from '@gridseal/modbus'
import { InternalError } from '@gridseal/wire'
import type { Report } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'
import { ServerProcess } from './support/child.ts'
import { PEERS } from './support/peers.ts'
import type { PeerClient } from './support/peers.ts'

const SUITE = 'modbus'
const RUNS = 5
const REQUESTS = 10_000
const REGISTERS = 10
const PIPELINE = 32
const TIMEOUT = 10_000

interface Client {
  readonly name: string
  /** Whether it keeps several requests in flight; one that does not queues them. */
  open(port: number, inFlight: number): Promise<PeerClient>
}

const OURS: Client = {
  name: 'gridseal',
  open: async (port, inFlight) => {
    const client = await ModbusClient.connect(`tcp://127.0.0.1:${port}`, { timeout: TIMEOUT, inFlight })
    return {
      read: (address, quantity) => client.readHoldingRegisters(1, address, quantity),
      close: () => void client.close(),
    }
  },
}

/** A socket that writes a prepared frame and waits for the answer: no client can be cheaper. */
const BARE: Client = {
  name: 'bare socket',
  open: async (port) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const waiting: ((values: number[]) => void)[] = []
    socket.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 6 + chunk.readUInt16BE(at + 4)) {
        const values: number[] = []
        for (let i = at + 9; i < at + 9 + chunk[at + 8]!; i += 2) values.push(chunk.readUInt16BE(i))
        waiting.shift()?.(values)
      }
    })
    return {
      read: (address, quantity) => {
        socket.write(Buffer.of(0, 1, 0, 0, 0, 6, 1, 3, address >> 8, address & 0xff, 0, quantity))
        return new Promise((resolve) => waiting.push(resolve))
      },
      close: () => socket.destroy(),
    }
  },
}

const CLIENTS: readonly Client[] = [
  OURS,
  BARE,
  ...PEERS.map((peer) => ({ name: peer.name, open: (port: number) => peer.connect(port) })),
]

/**
 * Clients reading ten registers from one and the same server in another process, one request after the other and with 32
 * under way; runs are interleaved, so that what else the machine does hits all alike. CPU is that of the client's process.
 */
export async function benchClients(report: Report): Promise<void> {
  const server = await ServerProcess.start('bare')
  for (const inFlight of [1, PIPELINE]) {
    const clients = await Promise.all(
      CLIENTS.map(async (one) => ({ name: one.name, client: await one.open(server.port, inFlight) })),
    )
    const runs = clients.map(() => ({ cpu: [] as number[], rate: [] as number[] }))
    // The first round warms up.
    for (let round = 0; round <= RUNS; round++) {
      for (const [index, { client }] of clients.entries()) {
        const cpu = process.cpuUsage()
        const start = performance.now()
        await readMany(client, inFlight)
        const seconds = (performance.now() - start) / 1000
        const { user, system } = process.cpuUsage(cpu)
        if (round === 0) continue
        runs[index]!.cpu.push((user + system) / REQUESTS)
        runs[index]!.rate.push(REQUESTS / seconds)
      }
    }
    const how = inFlight === 1 ? 'sequential' : `${inFlight} in flight`
    for (const [index, { name, client }] of clients.entries()) {
      client.close()
      const versus = name === OURS.name ? {} : { versus: `client gridseal, ${how}` }
      const figure = { suite: SUITE, case: `client ${name}, ${how}`, runs: RUNS, ...versus }
      report({ ...figure, metric: 'cpu', value: Number(median(runs[index]!.cpu).toFixed(2)), unit: 'µs/request' })
      report({ ...figure, metric: 'rate', value: Math.round(median(runs[index]!.rate)), unit: 'requests/s' })
    }
  }
  await server.stop()
}

async function readMany(client: PeerClient, inFlight: number): Promise<void> {
  let left = REQUESTS
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const address = left % 900
      const values = await client.read(address, REGISTERS)
      if (values[REGISTERS - 1] !== address + REGISTERS - 1) throw new InternalError('bench.client', 'wrong registers')
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}
