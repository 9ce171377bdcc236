import { connect as plainConnect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect, listen, memoryPair } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import type { Report } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'

const SUITE = 'transport'
const RUNS = 5
const SMALL = { name: '256-byte writes', length: 256, total: 32 << 20 }
const LARGE = { name: '64-KiB writes', length: 64 << 10, total: 256 << 20 }
const ROUND_TRIPS = 3000

/** One way to move bytes; both ends are in this process, so the figure is for sender and receiver together. */
interface Way {
  readonly name: string
  open(): Promise<Pipe>
}

interface Pipe {
  /** Writes `count` chunks of `length` bytes, waiting when told to, and resolves when all have arrived. */
  pump(length: number, count: number): Promise<void>
  /** Sends 256 bytes there and back, one after the other. */
  pingPong(times: number): Promise<void>
  close(): Promise<void>
}

/** Loopback throughput and round trips, ours beside plain node:net, runs interleaved so that load hits all alike. */
export async function run(report: Report): Promise<void> {
  const ways: readonly Way[] = [
    { name: 'gridseal TCP', open: openOurs },
    { name: 'node:net', open: openPlain },
    { name: 'gridseal memory', open: openMemory },
  ]
  const figures = new Map<string, number[]>()
  const add = (key: string, value: number): unknown => figures.set(key, [...(figures.get(key) ?? []), value])
  // One run more than counted: the first warms up.
  for (let round = 0; round <= RUNS; round++) {
    for (const way of ways) {
      for (const { name, length, total } of [SMALL, LARGE]) {
        const count = total / length / (round === 0 ? 8 : 1)
        const seconds = await timed(way, (pipe) => pipe.pump(length, count))
        if (round > 0) add(`${way.name}|${name}`, (count * length) / seconds / 1e6)
      }
      const seconds = await timed(way, (pipe) => pipe.pingPong(ROUND_TRIPS))
      if (round > 0) add(`${way.name}|round trip`, (seconds / ROUND_TRIPS) * 1e6)
    }
  }
  for (const [key, values] of figures) {
    const [name = '', metric = ''] = key.split('|')
    const unit = metric === 'round trip' ? 'µs' : 'MB/s'
    const versus = name === 'node:net' ? {} : { versus: 'node:net' }
    report({ suite: SUITE, case: name, metric, value: median(values), unit, runs: RUNS, ...versus })
  }
}

async function timed(way: Way, work: (pipe: Pipe) => Promise<void>): Promise<number> {
  const pipe = await way.open()
  const start = performance.now()
  await work(pipe)
  const seconds = (performance.now() - start) / 1000
  await pipe.close()
  return seconds
}

async function openOurs(): Promise<Pipe> {
  const listener = await listen('tcp://127.0.0.1:0')
  const accepted = new Promise<Connection>((resolve) => listener.connections.subscribe(resolve))
  const near = await connect(listener.url)
  const far = await accepted
  return pipeOf(near, far, () => listener.close())
}

async function openMemory(): Promise<Pipe> {
  const [near, far] = memoryPair()
  return pipeOf(near, far, () => Promise.resolve())
}

function pipeOf(near: Connection, far: Connection, close: () => Promise<void>): Pipe {
  let arrived = (_length: number): void => undefined
  let returned = (_length: number): void => undefined
  let drained = (): void => undefined
  far.data.subscribe((chunk) => arrived(chunk.length))
  near.data.subscribe((chunk) => returned(chunk.length))
  near.drained.subscribe(() => drained())
  return {
    pump: (length, count) =>
      pump(length, count, (chunk) => near.write(chunk), {
        onArrival: (handler) => (arrived = handler),
        onDrain: (handler) => (drained = handler),
      }),
    pingPong: (times) =>
      pingPong(
        times,
        (chunk) => near.write(chunk),
        (chunk) => far.write(chunk),
        {
          onArrival: (handler) => (arrived = handler),
          onReturn: (handler) => (returned = handler),
        },
      ),
    close: async () => {
      near.destroy()
      far.destroy()
      await Promise.all([near.closed, far.closed])
      await close()
    },
  }
}

async function openPlain(): Promise<Pipe> {
  const server = createServer({ noDelay: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = plainConnect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, noDelay: true })
  const far = await accepted
  let arrived = (_length: number): void => undefined
  let returned = (_length: number): void => undefined
  let drained = (): void => undefined
  far.on('data', (chunk: Buffer) => arrived(chunk.length))
  near.on('data', (chunk: Buffer) => returned(chunk.length))
  near.on('drain', () => drained())
  return {
    pump: (length, count) =>
      pump(length, count, (chunk) => near.write(chunk), {
        onArrival: (handler) => (arrived = handler),
        onDrain: (handler) => (drained = handler),
      }),
    pingPong: (times) =>
      pingPong(
        times,
        (chunk) => near.write(chunk),
        (chunk) => far.write(chunk),
        {
          onArrival: (handler) => (arrived = handler),
          onReturn: (handler) => (returned = handler),
        },
      ),
    close: async () => {
      near.destroy()
      far.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function pump(
  length: number,
  count: number,
  write: (chunk: Uint8Array) => boolean,
  on: { onArrival(handler: (length: number) => void): void; onDrain(handler: () => void): void },
): Promise<void> {
  const chunk = new Uint8Array(length)
  return new Promise((resolve) => {
    let missing = length * count
    let left = count
    const go = (): void => {
      while (left > 0) {
        left--
        if (!write(chunk)) return
      }
    }
    on.onArrival((bytes) => {
      missing -= bytes
      if (missing === 0) resolve()
    })
    on.onDrain(go)
    go()
  })
}

function pingPong(
  times: number,
  ask: (chunk: Uint8Array) => boolean,
  answer: (chunk: Uint8Array) => boolean,
  on: { onArrival(handler: (length: number) => void): void; onReturn(handler: (length: number) => void): void },
): Promise<void> {
  const chunk = new Uint8Array(256)
  return new Promise((resolve) => {
    let left = times
    on.onArrival(() => answer(chunk))
    on.onReturn(() => {
      if (--left === 0) resolve()
      else ask(chunk)
    })
    ask(chunk)
  })
}
