import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Master, Outstation, classOctets, serveOutstations } from '@gridseal/dnp3'
import type { Figure } from '../../../test/support/bench.ts'
import { analogs } from './analogs.ts'

/** A process with the sessions of many outstations, each polled once a second: what it takes. */
export async function sessions(report: (figure: Figure) => void): Promise<void> {
  const OUTSTATIONS = 1000
  const { url, stop, usage } = await peer(OUTSTATIONS)
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
  count: number,
): Promise<{ url: string; stop: () => Promise<unknown>; usage: () => Promise<Usage> }> {
  const child = fork(fileURLToPath(import.meta.url), [String(count)], { execArgv: ['-C', 'source'] })
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
async function serve(count: number): Promise<void> {
  const outstations = Array.from({ length: count }, (_, i) => {
    return new Outstation({ local: 10 + i, masters: [1], points: analogs(20) })
  })
  const server = await serveOutstations('tcp://127.0.0.1:0', outstations, { listen: { maxConnections: 2000 } })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ rss: process.memoryUsage.rss(), cpu: user + system })
  })
  process.once('disconnect', () => void server.close())
  process.send?.(server.url)
}

if (import.meta.main) {
  await serve(Number(process.argv[2]))
}
