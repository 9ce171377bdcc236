import { createInterface } from 'node:readline'
import { Master, Outstation, classOctets, forEachMeasurement, serveOutstations } from '@gridseal/dnp3'
import { analogs } from './analogs.ts'

// One end of the poll benchmark, in the form that ends of other stacks have, too (see polls.ts).

const say = (message: object): boolean => process.stdout.write(`${JSON.stringify(message)}\n`)
const cpu = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return user + system
}

const [role = '', what = ''] = process.argv.slice(2)
const input = createInterface({ input: process.stdin })
if (role === 'outstation') {
  const outstation = new Outstation({ local: 10, masters: [1], points: analogs(Number(what)) })
  const server = await serveOutstations('tcp://127.0.0.1:0', [outstation])
  say({ ready: server.url })
  for await (const _usage of input) say({ cpu: cpu() })
  await server.close()
} else {
  const master = await Master.open(what)
  let points = 0
  const remote = master.add(
    { local: 1, remote: 10, integrity: [], unsolicited: [], disableUnsolicited: false },
    { fragment: (fragment) => forEachMeasurement(fragment, () => points++) },
  )
  const integrity = classOctets([1, 2, 3, 0])
  await master.whenConnected()
  say({ ready: true })
  for await (const line of input) {
    const limit = Number(line.split(' ')[1])
    points = 0
    let polls = 0
    const [before, start] = [process.cpuUsage(), performance.now()]
    let elapsed: number
    do {
      await remote.read(integrity)
      polls++
      elapsed = performance.now() - start
    } while (elapsed < limit)
    say({ polls, points, seconds: elapsed / 1000, cpu: cpu(before) })
  }
  await master.close()
}
