import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Master, Outstation, classOctets, forEachMeasurement, serveOutstations } from '@gridseal/dnp3'
import type { PointOptions } from '@gridseal/dnp3'
import { median } from '../../../test/support/bench.ts'
import type { Figure } from '../../../test/support/bench.ts'

const RUNS = 5
const POLLS = 1000

/** `count` analog inputs with default variations. */
export function analogs(count: number): PointOptions[] {
  return Array.from({ length: count }, (_, index): PointOptions => ({
    kind: 'analog-input',
    index,
    value: index * 3,
    class: 2,
  }))
}

/** Integrity polls one after the other over loopback TCP, master and outstation in processes of their own. */
export async function polls(report: (figure: Figure) => void): Promise<void> {
  for (const count of [1000, 10]) {
    const { url, stop } = await peer('polled', count)
    const master = await Master.open(url)
    let points = 0
    const remote = master.add(
      { local: 1, remote: 10, integrity: [], unsolicited: [], disableUnsolicited: false },
      { fragment: (fragment) => forEachMeasurement(fragment, () => points++) },
    )
    const integrity = classOctets([1, 2, 3, 0])
    while (!master.connected) await new Promise((resolve) => setTimeout(resolve, 5))
    for (let i = 0; i < POLLS; i++) await remote.read(integrity)
    const rates: number[] = []
    for (let run = 0; run < RUNS; run++) {
      points = 0
      const start = performance.now()
      for (let i = 0; i < POLLS; i++) await remote.read(integrity)
      rates.push((POLLS * 1000) / (performance.now() - start))
      if (points !== POLLS * count) throw new RangeError(`${points} points instead of ${POLLS * count}`)
    }
    await master.close()
    await stop()
    const name = `integrity polls of ${count} analogs, loopback, two processes`
    report({ suite: 'dnp3', case: name, metric: 'rate', value: Math.round(median(rates)), unit: 'polls/s', runs: RUNS })
  }
}

/** A process with the sessions of many outstations, each polled once a second: what it takes. */
export async function sessions(report: (figure: Figure) => void): Promise<void> {
  const OUTSTATIONS = 1000
  const { url, stop, usage } = await peer('many', OUTSTATIONS)
  const masters: Master[] = []
  let answered = 0
  const integrity = classOctets([1, 2, 3, 0])
  for (let i = 0; i < OUTSTATIONS; i++) {
    const master = await Master.open(url)
    masters.push(master)
    master.add(
      {
        local: 1,
        remote: 10 + i,
        unsolicited: [],
        disableUnsolicited: false,
        integrity: [],
        polls: [{ name: 'p', every: 1000, objects: integrity }],
      },
      { taskEnded: (name, { ok }) => (answered += name === 'p' && ok ? 1 : 0) },
    )
  }
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const [before, start] = [answered, performance.now()]
  const first = await usage()
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const seconds = (performance.now() - start) / 1000
  const last = await usage()
  const result = {
    suite: 'dnp3',
    case: `${OUTSTATIONS} outstation sessions, one integrity poll per second each`,
    runs: 1,
  }
  report({ ...result, metric: 'rate', value: Math.round((answered - before) / seconds), unit: 'polls/s' })
  report({ ...result, metric: 'memory', value: Math.round(last.rss / 1e6), unit: 'MB' })
  report({ ...result, metric: 'cpu', value: Math.round(((last.cpu - first.cpu) / 1e6 / seconds) * 100), unit: '%' })
  await Promise.all(masters.map((master) => master.close()))
  await stop()
}

interface Usage {
  readonly rss: number
  /** Microseconds. */
  readonly cpu: number
}

async function peer(
  kind: string,
  count: number,
): Promise<{ url: string; stop: () => Promise<unknown>; usage: () => Promise<Usage> }> {
  const child = fork(fileURLToPath(import.meta.url), [kind, String(count)], { execArgv: ['-C', 'source'] })
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    stop: () => {
      child.disconnect()
      return once(child, 'exit')
    },
    usage: async () => {
      child.send('usage')
      return ((await once(child, 'message')) as [Usage])[0]
    },
  }
}

/** The other process. */
async function serve(kind: string, count: number): Promise<void> {
  const outstations =
    kind === 'polled'
      ? [new Outstation({ local: 10, masters: [1], points: analogs(count) })]
      : Array.from({ length: count }, (_, i) => new Outstation({ local: 10 + i, masters: [1], points: analogs(20) }))
  const server = await serveOutstations('tcp://127.0.0.1:0', outstations, { listen: { maxConnections: 2000 } })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ rss: process.memoryUsage.rss(), cpu: user + system })
  })
  process.once('disconnect', () => void server.close())
  process.send?.(server.url)
}

if (import.meta.main) {
  const [kind = '', count = '1'] = process.argv.slice(2)
  await serve(kind, Number(count))
}
