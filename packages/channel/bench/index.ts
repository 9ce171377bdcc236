import { handshakeKinds, inMemory } from './handshakes.ts'
import type { HandshakeKind } from './handshakes.ts'
import { datagramContender } from './datagram.ts'
import { idleMemoryAlone } from './idle.ts'
import { recordsOf } from './records.ts'
import { steps } from './steps.ts'
import { channelContender, tcpContender, tlsContender } from './pipes.ts'
import type { Contender } from './pipes.ts'
import type { Channel, ConnectOptions } from '@gridseal/channel'
import { RUNS, measure, repeated, sideBySide, timed, warmedUp } from './measure.ts'
import type { Rates } from './measure.ts'
import { stream } from './stream.ts'
import type { Report } from '../../../test/support/bench.ts'

const WINDOW_MS = 400
/** Until then the compiler has come to an end with what a handshake runs through. */
const WARM_MS = 3_000
const IDLE = 10_000
/** As a head-end has them after an outage; who measures one after the other measures turns of the event loop, too. */
const AT_ONCE = 16

/**
 * Handshakes of every kind over memory, each beside its public-key operations alone; each step by itself; the memory of
 * idle channels in a process of their own; then handshakes, small messages and bulk over loopback TCP with both ends in this
 * process, beside Node's own TLS 1.3 and plain TCP in turn, and messages over UDP. Rates are per second of wall time, and per second of CPU time of both ends together.
 */
export async function run(report: Report): Promise<void> {
  await handshakesOverMemory(report)
  for (const [name, once] of steps()) {
    const { perCpuSecond } = await measure(() => repeated(once))
    const metric = { suite: 'channel.handshake-steps', case: name, metric: 'perCpuSecond', unit: 'operations/s' }
    report({ ...metric, value: perCpuSecond, runs: RUNS })
  }
  const megabytes = Math.round((await idleMemoryAlone(IDLE)) / 1e6)
  report({ suite: 'channel.idle', case: `${IDLE} channels`, metric: 'rss', value: megabytes, unit: 'MB', runs: 1 })
  const [kept, lent, tls, tcp, udp] = [
    await channelContender('channel', false),
    await channelContender('channel, messages lent', true),
    await tlsContender(),
    await tcpContender(),
    await datagramContender(),
  ]
  try {
    for (const contender of [kept, tls]) {
      await warmedUp(WARM_MS, () => handshakes(contender))
      const rates = await measure(() => handshakes(contender))
      for (const [metric, value] of Object.entries(rates)) {
        report({ suite: 'channel.handshake', case: contender.name, metric, value, unit: 'handshakes/s', runs: RUNS })
      }
    }
    for (const size of [256, 64 * 1024, 256 * 1024]) await messages(size, [lent, kept, tls, tcp], report)
    for (const size of [256, 64 * 1024]) await messages(size, [udp], report)
  } finally {
    for (const contender of [kept, lent, tls, tcp, udp]) await contender.stop()
  }
}

/** Each kind of handshake beside its public-key operations alone. */
async function handshakesOverMemory(report: Report): Promise<void> {
  for (const kind of handshakeKinds()) {
    const callers: ConnectOptions[] = []
    while (callers.length < AT_ONCE) callers.push(await kind.caller())
    const [one] = callers
    await warmedUp(WARM_MS, () => sessions(kind, callers))
    const [single, several, alone] = await sideBySide([
      () => sessions(kind, [one!]),
      () => sessions(kind, callers),
      () => repeated(kind.floor),
    ])
    const suite = 'channel.handshake-kinds'
    const figure = { suite, metric: 'perCpuSecond', unit: 'handshakes/s', runs: RUNS }
    const floor = `${kind.name}: public-key operations alone`
    report({ ...figure, case: `${kind.name}, one after the other`, value: single!.perCpuSecond, versus: floor })
    report({ ...figure, case: `${kind.name}, ${AT_ONCE} at once`, value: several!.perCpuSecond, versus: floor })
    report({ ...figure, case: floor, value: alone!.perCpuSecond })
  }
}

/** Messages of one size over several ways in turn; beside them, where there are several, what their records cost alone. */
async function messages(size: number, contenders: readonly Contender[], report: Report): Promise<void> {
  const suite = `channel.messages-${size < 1024 ? size : `${size / 1024}k`}`
  const rows = contenders.map((row) => ({ name: row.name, once: () => stream(row, size) }))
  if (contenders.length > 1) rows.push({ name: 'records, no connection', once: () => repeated(recordsOf(size)) })
  const rates = await sideBySide(rows.map(({ once }) => once))
  for (const [index, { name }] of rows.entries()) {
    for (const [metric, value] of Object.entries(rates[index]!)) {
      report({ suite, case: name, metric, value, unit: 'messages/s', runs: RUNS })
      if (size < 1024) continue
      const megabytes = Math.round((value * size) / 1e6)
      report({ suite, case: name, metric: `${metric}Bytes`, value: megabytes, unit: 'MB/s', runs: RUNS })
    }
  }
}

/** Sessions over memory until both ends are established, each caller's one after the other, closed outside the window. */
async function sessions({ accept }: HandshakeKind, callers: readonly ConnectOptions[]): Promise<Rates> {
  const open: Channel[] = []
  const rates = await timed(async () => {
    const end = performance.now() + WINDOW_MS
    const call = async (connect: ConnectOptions): Promise<void> => {
      while (performance.now() < end) open.push((await inMemory(connect, accept)).near)
    }
    await Promise.all(callers.map(call))
    return open.length
  })
  await Promise.all(open.map((channel) => channel.close()))
  return rates
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
