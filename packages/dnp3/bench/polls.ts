import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median } from '../../../test/support/bench.ts'
import type { Figure } from '../../../test/support/bench.ts'

// Integrity polls (READ of classes 1, 2, 3 and 0) one after the other over loopback TCP, master and outstation in processes of
// their own. Stacks of others take part where GRIDSEAL_DNP3_PEERS names them: `NAME=COMMAND`, several with `;` between. A
// command is run by the shell, with `outstation COUNT` or `master URL` behind it, and speaks lines of JSON:
//
// - an outstation with COUNT analog inputs (class 2, link address 10, master 1) says {"ready":"tcp://127.0.0.1:PORT"}, then
//   {"cpu":MICROSECONDS} for every line that it reads: what it has taken so far;
// - a master (link address 1, no start-up polls) says {"ready":true} when it is connected, and for every line `poll MILLISECONDS`
//   polls so long and says {"polls":N,"points":N,"seconds":S,"cpu":MICROSECONDS}: what these polls took.
//
// Both end when their input does.

const RUNS = 5
const WARM_UP_MS = 2000
const WINDOW_MS = 1000
const OURS = 'ours'

interface Stack {
  readonly name: string
  readonly command: string
}

interface Polled {
  readonly polls: number
  readonly points: number
  readonly seconds: number
  readonly cpu: number
}

/** A process that answers lines with lines of JSON. */
class LineProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(command: string, ...args: readonly string[]) {
    this.#child = spawn(`exec ${command} ${args.join(' ')}`, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new RangeError('a peer has ended')
    return JSON.parse(value) as T
  }

  ask<T>(line: string): Promise<T> {
    this.#child.stdin?.write(`${line}\n`)
    return this.next<T>()
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.stdin?.end()
    await closed
  }
}

/** A master and an outstation that are connected. */
class PollPair {
  readonly master: Stack
  readonly outstation: Stack
  readonly rates: number[] = []
  /** Microseconds of CPU a poll. */
  readonly masterCpu: number[] = []
  readonly outstationCpu: number[] = []
  readonly #count: number
  #ends: { readonly master: LineProcess; readonly outstation: LineProcess } | undefined

  constructor(master: Stack, outstation: Stack, count: number) {
    this.master = master
    this.outstation = outstation
    this.#count = count
  }

  get name(): string {
    const { master, outstation } = this
    const who = master === outstation ? master.name : `master ${master.name}, outstation ${outstation.name}`
    return `integrity polls of ${this.#count} analogs, loopback: ${who}`
  }

  async open(): Promise<void> {
    const outstation = new LineProcess(this.outstation.command, 'outstation', String(this.#count))
    const { ready } = await outstation.next<{ ready: string }>()
    const master = new LineProcess(this.master.command, 'master', ready)
    await master.next()
    this.#ends = { master, outstation }
    await master.ask(`poll ${WARM_UP_MS}`)
  }

  async run(): Promise<void> {
    const { master, outstation } = this.#ends!
    const before = await outstation.ask<{ cpu: number }>('usage')
    const { polls, points, seconds, cpu } = await master.ask<Polled>(`poll ${WINDOW_MS}`)
    const after = await outstation.ask<{ cpu: number }>('usage')
    if (points !== polls * this.#count) throw new RangeError(`${this.name}: ${points} points in ${polls} polls`)
    this.rates.push(polls / seconds)
    this.masterCpu.push(cpu / polls)
    this.outstationCpu.push((after.cpu - before.cpu) / polls)
  }

  async close(): Promise<void> {
    await this.#ends?.master.stop()
    await this.#ends?.outstation.stop()
  }
}

/** Ours, then each other stack with itself and crossed with ours, in turns: what disturbs one disturbs all. */
export async function polls(report: (figure: Figure) => void): Promise<void> {
  const peer = fileURLToPath(new URL('poll-peer.ts', import.meta.url))
  const ours = { name: OURS, command: `'${process.execPath}' -C source '${peer}'` }
  const others = stacksOf(process.env['GRIDSEAL_DNP3_PEERS'] ?? '')
  for (const count of [1000, 10]) {
    const stacks = [
      [ours, ours],
      ...others.flatMap((other) => [
        [other, other],
        [ours, other],
        [other, ours],
      ]),
    ]
    const pairs = stacks.map(([master, outstation]) => new PollPair(master!, outstation!, count))
    try {
      for (const pair of pairs) await pair.open()
      for (let run = 0; run < RUNS; run++) for (const pair of pairs) await pair.run()
    } finally {
      for (const pair of pairs) await pair.close()
    }
    for (const pair of pairs) {
      const versus = pair === pairs[0] ? {} : { versus: pairs[0]!.name }
      const result = { suite: 'dnp3', case: pair.name, runs: RUNS, ...versus }
      report({ ...result, metric: 'rate', value: Math.round(median(pair.rates)), unit: 'polls/s' })
      report({ ...result, metric: 'master cpu', value: Math.round(median(pair.masterCpu)), unit: 'us/poll' })
      report({ ...result, metric: 'outstation cpu', value: Math.round(median(pair.outstationCpu)), unit: 'us/poll' })
    }
  }
}

function stacksOf(text: string): Stack[] {
  return text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      if (at < 1) throw new RangeError(`GRIDSEAL_DNP3_PEERS: write NAME=COMMAND, not ${part}`)
      return { name: part.slice(0, at), command: part.slice(at + 1) }
    })
}
