import { handshakeKinds, inMemory } from './handshakes.ts'
import type { HandshakeKind } from './handshakes.ts'
import { idleMemory } from './idle.ts'
import { steps } from './steps.ts'
import { channelContender, tcpContender, tlsContender } from './pipes.ts'
import type { Contender } from './pipes.ts'
import type { Figure } from '../../../test/support/bench.ts'

const RUNS = 3
const WINDOW_MS = 400
/** Steps are many and short. */
const STEP_WINDOW_MS = 100
const IDLE = 10_000

/**
 * Handshakes of every kind over memory, the memory of idle channels, then handshakes, small records and bulk over loopback TCP with both ends in this process, each beside Node's own TLS 1.3
 * and plain TCP. Rates are per second of wall time, and per second of CPU time of both ends together.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  for (const kind of handshakeKinds()) {
    await kind.prepare?.()
    const { perCpuSecond } = await measure(() => sessions(kind))
    const suite = 'channel.handshake-kinds'
    report({ suite, case: kind.name, metric: 'perCpuSecond', value: perCpuSecond, unit: 'handshakes/s', runs: RUNS })
  }
  for (const [name, once] of steps()) {
    const { perCpuSecond } = await measure(() => repeated(once))
    const metric = { suite: 'channel.handshake-steps', case: name, metric: 'perCpuSecond', unit: 'operations/s' }
    report({ ...metric, value: perCpuSecond, runs: RUNS })
  }
  const megabytes = Math.round((await idleMemory(IDLE)) / 1e6)
  report({ suite: 'channel.idle', case: `${IDLE} channels`, metric: 'rss', value: megabytes, unit: 'MB', runs: 1 })
  const contenders = [await channelContender(), await tlsContender(), await tcpContender()]
  try {
    for (const contender of contenders.slice(0, 2)) {
      const rates = await measure(() => handshakes(contender))
      for (const [metric, value] of Object.entries(rates)) {
        report({ suite: 'channel.handshake', case: contender.name, metric, value, unit: 'handshakes/s', runs: RUNS })
      }
    }
    for (const [suite, size] of [
      ['channel.messages-256', 256],
      ['channel.messages-256k', 256 * 1024],
    ] as const) {
      for (const contender of contenders) {
        const rates = await measure(() => stream(contender, size))
        for (const [metric, value] of Object.entries(rates)) {
          report({ suite, case: contender.name, metric, value, unit: 'messages/s', runs: RUNS })
          if (size < 1024) continue
          const megabytes = Math.round((value * size) / 1e6)
          report({ suite, case: contender.name, metric: `${metric}Bytes`, value: megabytes, unit: 'MB/s', runs: RUNS })
        }
      }
    }
  } finally {
    for (const contender of contenders) await contender.stop()
  }
}

interface Rates {
  /** Per second of wall time. */
  readonly rate: number
  /** Per second of CPU time. */
  readonly perCpuSecond: number
}

/** The median of {@link RUNS} runs after one that warms up. */
async function measure(once: () => Promise<Rates>): Promise<Rates> {
  const runs: Rates[] = []
  for (let i = 0; i <= RUNS; i++) {
    const rates = await once()
    if (i > 0) runs.push(rates)
  }
  const median = (pick: (rates: Rates) => number): number =>
    Math.round(runs.map(pick).toSorted((a, b) => a - b)[RUNS >> 1] ?? 0)
  return { rate: median(({ rate }) => rate), perCpuSecond: median(({ perCpuSecond }) => perCpuSecond) }
}

/** Runs `work`, which returns how many it did, against both clocks. */
async function timed(work: () => Promise<number>): Promise<Rates> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  const count = await work()
  const { user, system } = process.cpuUsage(cpu)
  return { rate: (count * 1000) / (performance.now() - wall), perCpuSecond: (count * 1e6) / (user + system) }
}

/** One step of a handshake, again and again. */
async function repeated(once: () => unknown): Promise<Rates> {
  return timed(async () => {
    const end = performance.now() + STEP_WINDOW_MS
    let count = 0
    for (; performance.now() < end; count++) once()
    return Promise.resolve(count)
  })
}

/** Sequential sessions over memory, closed inside the window: a ticket comes with the first record. */
async function sessions(kind: HandshakeKind): Promise<Rates> {
  return timed(async () => {
    const end = performance.now() + WINDOW_MS
    let count = 0
    for (; performance.now() < end; count++) {
      const { near } = await inMemory(kind)
      await near.close()
    }
    return count
  })
}

/** Sequential connections, each with a full handshake, closed outside the window. */
async function handshakes(contender: Contender): Promise<Rates> {
  const pipes: Awaited<ReturnType<Contender['open']>>[] = []
  const rates = await timed(async () => {
    const end = performance.now() + WINDOW_MS
    while (performance.now() < end) pipes.push(await contender.open())
    return pipes.length
  })
  await Promise.all(pipes.map((pipe) => pipe.close()))
  return rates
}

/** Messages in one direction, as fast as the receiver takes them, until all have arrived. */
async function stream(contender: Contender, size: number): Promise<Rates> {
  const pipe = await contender.open()
  const message = new Uint8Array(size).fill(0x5a)
  const rates = await timed(async () => {
    const end = performance.now() + WINDOW_MS
    let sent = 0
    while (performance.now() < end) {
      let room = true
      for (let i = 0; i < 64 && room; i++, sent++) room = pipe.send(message)
      if (!room) await pipe.drained()
    }
    while (pipe.received() < sent * size) await new Promise((resolve) => setImmediate(resolve))
    return sent
  })
  await pipe.close()
  return rates
}
