import { spawn } from 'node:child_process'
import { connect as plainConnect } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connect } from '@gridseal/transport'
import { expect } from 'chai'
import { needLinux } from '../../../../test/support/requirements.ts'
import { rejection } from '../support/collect.ts'
import { freePort } from '../support/tcp-pair.ts'

describe('connecting', () => {
  it('is refused where nobody listens', async () => {
    const error = await rejection(connect(`tcp://127.0.0.1:${await freePort()}`))
    expect(error).to.include({ name: 'ProtocolError', code: 'transport.connect.refused' })
  })

  it('says that a name is unknown', async function () {
    this.timeout(30_000)
    const error = await rejection(connect('tcp://no-such-host.invalid:502', { timeout: 20_000 }))
    expect(error.code).to.equal('transport.connect.host')
  })

  it('gives up after the connect timeout', async function () {
    needLinux(this)
    const hole = await BlackHole.open()
    try {
      const start = performance.now()
      const error = await rejection(connect(hole.url, { timeout: 150 }))
      expect(error).to.include({ name: 'ProtocolError', code: 'transport.connect.timeout' })
      expect(performance.now() - start).to.be.within(100, 2000)
    } finally {
      hole.close()
    }
  })

  it('is given up by a signal', async function () {
    needLinux(this)
    const hole = await BlackHole.open()
    try {
      const abort = new AbortController()
      const attempt = rejection(connect(hole.url, { signal: abort.signal }))
      setTimeout(() => abort.abort(), 20)
      expect(await attempt).to.include({ name: 'UsageError', code: 'transport.connect.aborted' })
      const late = await rejection(connect(hole.url, { signal: AbortSignal.abort() }))
      expect(late.code).to.equal('transport.connect.aborted')
    } finally {
      hole.close()
    }
  })

  it('is not possible to port 0, over UDP, or by an unknown scheme', async () => {
    expect((await rejection(connect('tcp://127.0.0.1:0'))).code).to.equal('transport.url.port')
    expect((await rejection(connect('udp://127.0.0.1:5'))).code).to.equal('transport.url.scheme')
    expect((await rejection(connect('eth://eth0'))).code).to.equal('transport.url.scheme')
  })

  it('refuses options that cannot be right', async () => {
    for (const options of [
      { timeout: 0 },
      { timeout: 2 ** 31 },
      { linger: 0 },
      { idleTimeout: -1 },
      { keepAlive: 1.5 },
      { tiemout: 5 },
      { queue: { low: 10, high: 5 } },
      { queue: { high: 10, limit: 5 } },
      { queue: { hihg: 5 } },
    ]) {
      const { code } = await rejection(connect('tcp://127.0.0.1:1', options as object))
      expect(code, JSON.stringify(options)).to.equal('transport.option')
    }
  })
})

/** A port whose connections are never answered: its process is stopped and its backlog is full. */
class BlackHole {
  readonly url: string
  readonly #pid: number
  readonly #fillers: readonly Socket[]

  private constructor(url: string, pid: number, fillers: readonly Socket[]) {
    this.url = url
    this.#pid = pid
    this.#fillers = fillers
  }

  static async open(): Promise<BlackHole> {
    const script = `const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
      () => console.log(s.address().port))`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const port = await new Promise<number>((resolve) =>
      createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line))),
    )
    process.kill(child.pid ?? 0, 'SIGSTOP')
    const fillers = [1, 2, 3].map(() => {
      const socket = plainConnect({ port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      return socket
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    return new BlackHole(`tcp://127.0.0.1:${port}`, child.pid ?? 0, fillers)
  }

  close(): void {
    for (const socket of this.#fillers) socket.destroy()
    process.kill(this.#pid, 'SIGKILL')
  }
}
