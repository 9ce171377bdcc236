import { readdirSync } from 'node:fs'
import { ReconnectingLink, connect } from '@gridseal/transport'
import type { Connection, LinkState } from '@gridseal/transport'
import { expect } from 'chai'
import { loadSerialBinding } from '#src/serial/serial-binding.ts'
import { needPeer } from '../../../../test/support/requirements.ts'
import { Collected, pattern, rejection, until } from '../support/collect.ts'
import { PtyPair } from '../support/pty-pair.ts'

describe('a serial port', () => {
  it('says what to install when the optional package is missing', async () => {
    const missing = Object.assign(new TypeError("Cannot find package 'serialport'"), { code: 'ERR_MODULE_NOT_FOUND' })
    const error = await rejection(loadSerialBinding(() => Promise.reject(missing)))
    expect(error).to.include({ name: 'UsageError', code: 'transport.serial.missing' })
    expect(error).to.have.property('message').that.contains('npm install serialport')
  })

  it('says that a device is not there, or is no serial port', async () => {
    const absent = await rejection(connect('serial:///dev/no-such-device?baud=9600'))
    expect(absent).to.include({ name: 'ProtocolError', code: 'transport.serial.absent' })
    if (process.platform === 'linux') {
      expect((await rejection(connect('serial:///dev/null'))).code).to.equal('transport.serial.kind')
    }
  })

  describe('on a pty pair', () => {
    let pty: PtyPair
    const open: Connection[] = []
    async function port(end: 'a' | 'b'): Promise<Connection> {
      const connection = await connect(pty.url(end))
      open.push(connection)
      return connection
    }
    before(async function () {
      needPeer(this, 'socat')
      pty = await PtyPair.open()
    })
    afterEach(async () => {
      for (const connection of open) connection.destroy()
      await Promise.all(open.splice(0).map((connection) => connection.closed))
      await pty.renew()
    })
    after(() => pty?.close())

    it('is open for one alone, and a refused attempt leaves nothing behind', async () => {
      await port('a')
      const before = openFiles()
      for (let i = 0; i < 5; i++) {
        const error = await rejection(connect(pty.url('a')))
        expect(error).to.include({ name: 'ProtocolError', code: 'transport.serial.busy' })
      }
      expect(openFiles()).to.equal(before)
    })

    it('can be opened again as soon as closed has told', async () => {
      for (let i = 0; i < 5; i++) {
        const connection = await port('a')
        connection.write(pattern(10))
        if (i % 2 === 0) connection.end()
        else connection.destroy()
        await connection.closed
      }
    })

    it('ends with an error when the device is pulled while it is read', async () => {
      const connection = await port('a')
      const atA = new Collected(connection)
      await pty.unplug()
      const { kind, error } = await connection.closed
      expect(kind).to.equal('error')
      expect(error).to.include({ name: 'ProtocolError', code: 'transport.serial.unplugged' })
      expect([connection.counters.errors, atA.completed]).to.deep.equal([1, 1])
    })

    it('ends with an error when the device is pulled while nobody reads', async () => {
      const connection = await port('a')
      await pty.unplug()
      expect((await connection.closed).error).to.have.property('code', 'transport.serial.unplugged')
    })

    it('ends with an error when it writes to a device that was pulled', async () => {
      const connection = await port('a')
      await pty.unplug()
      connection.write(pattern(100_000))
      expect((await connection.closed).kind).to.equal('error')
    })

    it('comes back by itself, without spinning meanwhile', async () => {
      const link = new ReconnectingLink((signal) => connect(pty.url('a'), { signal }), { base: 20, max: 50 })
      const states: LinkState[] = []
      let latest: Connection | undefined
      link.state.subscribe((state) => states.push(state))
      link.connections.subscribe((connection) => {
        latest = connection
        new Collected(connection)
      })
      link.start()
      await until('it opens', () => states.at(-1) === 'ready')
      await pty.unplug()
      await until('it waits', () => states.at(-1) === 'backing-off')
      // The collector takes time of its own now and then; who spins does so in every window.
      const used: number[] = []
      for (let window = 0; window < 3; window++) {
        const before = process.cpuUsage()
        await new Promise((resolve) => setTimeout(resolve, 300))
        used.push(process.cpuUsage(before).user)
      }
      expect(Math.min(...used)).to.be.below(150_000)
      expect(link.counters.failed).to.be.greaterThan(2)
      await pty.renew()
      await until('it opens again', () => states.at(-1) === 'ready')
      const b = new Collected(await port('b'))
      latest?.write(pattern(50))
      await b.until(50)
      await link.stop()
      expect(link.counters).to.include({ opened: 2, lost: 1 })
    })
  })
})

function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}
