import { once } from 'node:events'
import { connect } from 'node:net'
import { ModbusClient } from '@gridseal/modbus'
import type { Connection } from '@gridseal/transport'
import { NEVER, Subject } from 'rxjs'
import { PEERS } from './peers.ts'
import type { PeerClient } from './peers.ts'

export interface BenchClient {
  readonly name: string
  /** `inFlight` requests will be made at a time; a client that keeps fewer under way queues them. */
  open(port: number, inFlight: number): Promise<PeerClient>
}

const TIMEOUT = 10_000

function wrapped(client: ModbusClient): PeerClient {
  return {
    read: (address, quantity) => client.readHoldingRegisters(1, address, quantity),
    close: () => void client.close(),
  }
}

const gridseal: BenchClient = {
  name: 'gridseal',
  open: async (port, inFlight) =>
    wrapped(await ModbusClient.connect(`tcp://127.0.0.1:${port}`, { timeout: TIMEOUT, inFlight })),
}

/** What the client itself costs: the connection answers at once, and no byte leaves the process. */
const withoutSocket: BenchClient = {
  name: 'gridseal, no socket',
  open: async (_, inFlight) => wrapped(new ModbusClient(answeringConnection(), { timeout: TIMEOUT, inFlight })),
}

/** A socket that writes a prepared frame and waits for the answer: no client can be cheaper. */
const bare: BenchClient = {
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

const peers = PEERS.map((peer): BenchClient => ({ name: peer.name, open: (port) => peer.connect(port) }))

export const CLIENTS: readonly BenchClient[] = [gridseal, bare, ...peers, withoutSocket]

function answeringConnection(): Connection {
  const data = new Subject<Uint8Array>()
  const answer = (frame: Uint8Array): boolean => {
    queueMicrotask(() => {
      for (let at = 0; at < frame.length; at += 12) data.next(answerTo(frame.subarray(at, at + 12)))
    })
    return true
  }
  return {
    medium: 'stream',
    local: 'memory://client',
    remote: 'memory://device',
    data,
    closed: new Promise(() => undefined),
    drained: NEVER,
    counters: { bytesIn: 0, chunksIn: 0, bytesOut: 0, writes: 0, refused: 0, congested: 0, discarded: 0, errors: 0 },
    queued: 0,
    write: answer,
    writeAll: (frames) => frames.every(answer),
    pause: () => undefined,
    resume: () => undefined,
    end: () => undefined,
    destroy: () => undefined,
  }
}

function answerTo(request: Uint8Array): Uint8Array {
  const address = (request[8]! << 8) | request[9]!
  const quantity = request[11]!
  const bytes = new Uint8Array(9 + 2 * quantity)
  bytes.set(request.subarray(0, 8))
  bytes[5] = 3 + 2 * quantity
  bytes[8] = 2 * quantity
  for (let i = 0; i < quantity; i++) {
    bytes[9 + 2 * i] = (address + i) >> 8
    bytes[10 + 2 * i] = (address + i) & 0xff
  }
  return bytes
}
