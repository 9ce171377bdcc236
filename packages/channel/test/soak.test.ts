import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import { mulberry32 } from '../../../test/support/fault-proxy.ts'
import { ROOT, needSlow } from '../../../test/support/requirements.ts'
import { UdpFaultProxy } from '../../../test/support/udp-fault-proxy.ts'
import type { SoakReport, SoakStart } from './support/soak-end.ts'
import { until } from './support/datagram-pair.ts'

const END = join(import.meta.dirname, 'support/soak-end.ts')
const SECONDS = Number(process.env['GRIDSEAL_SOAK_SECONDS'] ?? 600)
const OPTIONS = {
  rekeyInterval: 1000,
  retransmit: 100,
  maxRetransmit: 1000,
  keepAlive: 400,
  idleTimeout: 2000,
  handshakeTimeout: 10_000,
} as const
const FAULTS = { drop: 0.05, duplicate: 0.05, corrupt: 0.01, delay: 5, jitter: 20 } as const
/** Shortest and longest time between two kills, ms. */
const [LEAST_MS, MOST_MS] = [4_000, 15_000] as const

/** One end over all its lives. */
class End {
  readonly role: SoakStart['role']
  /** Messages of the other end that it has reported: the memory that outlives it. */
  received = 0
  readonly wrong: string[] = []
  readonly totals = { channels: 0, resumed: 0, rekeys: 0, repeated: 0, replayed: 0, kills: 0 }
  /** After {@link finish}: how many it has sent in all. */
  sent: number | undefined
  url = ''
  #child: ChildProcess | undefined

  constructor(role: SoakStart['role']) {
    this.role = role
  }

  async start(url: string, ticketKey: string): Promise<void> {
    const start: SoakStart = { role: this.role, url, received: this.received, ticketKey, options: OPTIONS }
    const child = fork(END, [JSON.stringify(start)], { cwd: ROOT, execArgv: ['-C', 'source'], stdio: 'inherit' })
    this.#child = child
    let ready = false
    child.on('message', (message) => {
      const report = message as SoakReport
      if (report.kind === 'ready') {
        ready = true
        this.url = report.url
      }
      this.#take(report)
    })
    await until(`${this.role} is up`, () => ready)
  }

  /** Gone at once; what it has reported before is still read. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child?.once('close', resolve))
    this.#child?.kill('SIGKILL')
    await gone
    this.totals.kills++
  }

  finish(): void {
    this.#child?.send('finish')
  }

  #take(report: SoakReport): void {
    const { totals } = this
    switch (report.kind) {
      case 'got':
        if (report.number === this.received) this.received++
        else this.wrong.push(`${report.number} reported, ${this.received} is next`)
        return
      case 'wrong':
        this.wrong.push(report.what)
        return
      case 'up':
        totals.channels++
        if (report.resumed) totals.resumed++
        return
      case 'counted':
        totals.rekeys += report.rekeys
        totals.repeated += report.repeated
        totals.replayed += report.replayed
        return
      case 'finished':
        this.sent = report.sent
        return
      case 'ready':
    }
  }
}

describe('channel: soak', () => {
  it(`${SECONDS} s of loss, noise and overtaking, fresh keys every second, both ends killed: nothing lost, doubled or out of order`, async function () {
    needSlow(this)
    const random = mulberry32(4)
    const ticketKey = randomBytes(32).toString('hex')
    const [field, headEnd] = [new End('field'), new End('head-end')]
    await headEnd.start('udp://127.0.0.1:0', ticketKey)
    const here = headEnd.url
    const proxy = new UdpFaultProxy({ target: Number(/:(\d+)$/.exec(here)![1]), seed: 5, ...FAULTS })
    const there = await proxy.listen()
    await field.start(there, ticketKey)
    try {
      const end = performance.now() + SECONDS * 1000
      while (performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, LEAST_MS + random() * (MOST_MS - LEAST_MS)))
        const dice = random()
        if (dice < 0.6) await headEnd.kill()
        if (dice > 0.4) await field.kill()
        await new Promise((resolve) => setTimeout(resolve, random() * 500))
        if (dice < 0.6) await headEnd.start(here, ticketKey)
        if (dice > 0.4) await field.start(there, ticketKey)
        expect([field.wrong, headEnd.wrong]).to.deep.equal([[], []])
      }
      for (const one of [field, headEnd]) one.finish()
      const done = (): boolean => field.received === headEnd.sent && headEnd.received === field.sent
      for (let tries = 0; tries < 4 && !done(); tries++) await until('the last are there', done).catch(() => undefined)
      const summary = { field: field.totals, headEnd: headEnd.totals, network: proxy.counters }
      process.stderr.write(
        `      soak: ${field.received} and ${headEnd.received} messages, ${JSON.stringify(summary)}\n`,
      )
      expect([field.wrong, headEnd.wrong]).to.deep.equal([[], []])
      expect([field.received, headEnd.received]).to.deep.equal([headEnd.sent, field.sent])
      expect(headEnd.received).to.be.greaterThan(SECONDS)
      expect(field.totals.rekeys, 'rekeys').to.be.greaterThan(SECONDS / 5)
      expect(field.totals.resumed, 'resumed with a ticket').to.be.greaterThan(0)
    } finally {
      await Promise.all([field.kill(), headEnd.kill()])
      proxy.close()
    }
  }).timeout((SECONDS + 120) * 1000)
})
