import { parseEndpoint } from '@gridseal/transport'
import type { ConnectOptions, SerialEndpoint } from '@gridseal/transport'
import { ProtocolError } from '@gridseal/wire'
import { expect } from 'chai'
import { openSerial } from '#src/serial/open-serial.ts'
import { driverLines } from '#src/serial/serial-connection.ts'
import type { SerialConnection } from '#src/serial/serial-connection.ts'
import type { SerialPortHandle } from '#src/serial/serial-binding.ts'
import { Collected, nextOf, rejection } from '../support/collect.ts'
import { FakePort, bindingOf } from '../support/fake-port.ts'
import { settle } from '../support/virtual-clock.ts'

/** A path that is always there, so that only the fake decides. */
const URL = 'serial:///dev/null?baud=115200'

describe('a serial connection, step by step', () => {
  let port: FakePort
  beforeEach(() => {
    port = new FakePort()
  })

  function open(options: ConnectOptions = {}): Promise<SerialConnection> {
    return openSerial(parseEndpoint(URL) as SerialEndpoint, options, async () => bindingOf(port))
  }

  it('opens with a lock and the settings of the URL', async () => {
    const binding = bindingOf(port)
    const url = 'serial:///dev/null?baud=300&dataBits=7&parity=even&stopBits=2&flow=software'
    const connection = await openSerial(parseEndpoint(url) as SerialEndpoint, {}, async () => binding)
    expect(binding.opened).to.deep.equal([
      {
        path: '/dev/null',
        baudRate: 300,
        dataBits: 7,
        parity: 'even',
        stopBits: 2,
        lock: true,
        rtscts: false,
        xon: true,
        xoff: true,
      },
    ])
    connection.destroy()
    await connection.closed
  })

  it('writes one chunk at a time and as it was given', async () => {
    port.holding = true
    const connection = await open()
    for (const text of ['one', 'two', 'three']) connection.write(Buffer.from(text))
    expect(port.written).to.deep.equal(['one'])
    expect(connection.queued).to.equal(11)
    port.writes[0]?.resolve()
    await settle()
    expect(port.written).to.deep.equal(['one', 'two'])
    expect(connection.queued).to.equal(8)
    connection.destroy()
    expect(await connection.closed).to.deep.equal({ kind: 'local' })
    expect(connection.queued).to.equal(0)
  })

  it('switches an RS-485 driver by RTS: on to send, off when the last bit has left', async () => {
    const endpoint = parseEndpoint(`${URL}&rs485=rts&rs485Delay=1`) as SerialEndpoint
    const connection = await openSerial(endpoint, {}, async () => bindingOf(port))
    expect(port.calls).to.deep.equal(['rts off'])
    connection.write(Buffer.from('one'))
    connection.write(Buffer.from('two'))
    while (port.calls.length < 4) await settle()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(port.calls).to.deep.equal(['rts off', 'rts on', 'drain', 'rts off'])
    expect(port.written).to.deep.equal(['one', 'two'])
    connection.destroy()
    await connection.closed
    expect(driverLines('rts-inverted', true)).to.include({ rts: false, dtr: true })
  })

  it('says when RTS cannot be switched, and leaves nothing open', async () => {
    port.set = () => Promise.reject(new TypeError('Inappropriate ioctl for device'))
    const endpoint = parseEndpoint(`${URL}&rs485=rts`) as SerialEndpoint
    const error = await rejection(openSerial(endpoint, {}, async () => bindingOf(port)))
    expect(error.code).to.equal('transport.serial.kind')
    expect(port.calls).to.deep.equal(['close'])
  })

  it('takes out the echo of what it sends', async () => {
    const endpoint = parseEndpoint(`${URL}&echo=true`) as SerialEndpoint
    const connection = await openSerial(endpoint, {}, async () => bindingOf(port))
    const seen = new Collected(connection)
    connection.write(Buffer.from('ask'))
    await settle()
    port.receive(Buffer.from('as'))
    await settle()
    port.receive(Buffer.from('kanswer'))
    await settle()
    expect(Buffer.from(seen.bytes).toString()).to.equal('answer')
    connection.destroy()
    await connection.closed
  })

  it('drains the line before it closes in good order, and discards before it closes at once', async () => {
    const orderly = await open()
    orderly.write(Buffer.from('last'))
    orderly.end()
    expect(await orderly.closed).to.deep.equal({ kind: 'local' })
    expect(port.calls).to.deep.equal(['drain', 'close'])
    port = new FakePort()
    const abrupt = await open()
    abrupt.destroy()
    await abrupt.closed
    expect(port.calls).to.deep.equal(['flush', 'close'])
  })

  it('is cut off when the line takes nothing (flow control says stop for ever)', async () => {
    port.holding = true
    // The last 4 KiB in the driver count too: at 115,200 baud they take 400 ms.
    const connection = await open({ linger: 1 })
    connection.write(Buffer.from('stuck'))
    connection.end()
    const { error } = await connection.closed
    expect(error).to.have.property('code', 'transport.close.timeout')
    expect(port.calls).to.deep.equal(['flush', 'close'])
  })

  it('keeps the chunk that comes after a pause for the resume', async () => {
    const connection = await open()
    const seen = new Collected(connection)
    await settle()
    port.receive(Buffer.from('a'))
    await settle()
    connection.pause()
    port.receive(Buffer.from('b'))
    await settle()
    expect(Buffer.from(seen.bytes).toString()).to.equal('a')
    expect(port.receive(Buffer.from('c'))).to.equal(false)
    connection.resume()
    await settle()
    expect(Buffer.from(seen.bytes).toString()).to.equal('ab')
    port.receive(Buffer.from('c'))
    await settle()
    expect(Buffer.from(seen.bytes).toString()).to.equal('abc')
    connection.destroy()
    await connection.closed
  })

  it('reads once at a time however often it is paused and resumed', async () => {
    const connection = await open()
    const seen = new Collected(connection)
    for (let i = 0; i < 5; i++) {
      connection.pause()
      connection.resume()
      await settle()
    }
    port.receive(Buffer.from('x'))
    await settle()
    expect(seen.chunks).to.have.length(1)
    connection.destroy()
    await connection.closed
  })

  it('gives every chunk memory that no later read writes to', async () => {
    const connection = await open()
    const seen = new Collected(connection)
    await settle()
    const sent: string[] = []
    for (let i = 0; i < 40; i++) {
      sent.push(String(i).padStart(150, '.'))
      port.receive(Buffer.from(sent[i] ?? ''))
      await settle()
    }
    expect(seen.chunks.map((chunk) => Buffer.from(chunk).toString())).to.deep.equal(sent)
    connection.destroy()
    await connection.closed
  })

  it('ends once when reading and writing fail together', async () => {
    port.holding = true
    const connection = await open()
    new Collected(connection)
    connection.write(Buffer.from('x'))
    await settle()
    port.breakDown(new TypeError('EIO'))
    port.writes[0]?.reject(new TypeError('EIO'))
    const { kind, error } = await connection.closed
    expect([kind, error?.code]).to.deep.equal(['error', 'transport.serial.unplugged'])
    expect(connection.counters.errors).to.equal(1)
    expect(port.calls.filter((call) => call === 'close')).to.have.length(1)
  })

  it('tells of room when the queue has fallen to its low mark', async () => {
    port.holding = true
    const connection = await open({ queue: { low: 4, high: 8 } })
    expect(connection.write(Buffer.alloc(8))).to.equal(true)
    expect(connection.write(Buffer.alloc(4))).to.equal(false)
    const drained = nextOf(connection.drained).then(() => connection.queued)
    port.writes[0]?.resolve()
    expect(await drained).to.equal(4)
    connection.destroy(new ProtocolError('test', 'enough'))
    expect((await connection.closed).kind).to.equal('error')
  })

  it('closes a port that opens after the timeout', async () => {
    const opening = Promise.withResolvers<SerialPortHandle>()
    const endpoint = parseEndpoint(URL) as SerialEndpoint
    const attempt = rejection(openSerial(endpoint, { timeout: 20 }, async () => bindingOf(opening.promise)))
    expect((await attempt).code).to.equal('transport.connect.timeout')
    opening.resolve(port)
    await settle()
    expect(port.calls).to.deep.equal(['close'])
  })

  it('closes a port that opens after the attempt was given up', async () => {
    const opening = Promise.withResolvers<SerialPortHandle>()
    const abort = new AbortController()
    const endpoint = parseEndpoint(URL) as SerialEndpoint
    const attempt = rejection(openSerial(endpoint, { signal: abort.signal }, async () => bindingOf(opening.promise)))
    abort.abort()
    opening.resolve(port)
    expect((await attempt).code).to.equal('transport.connect.aborted')
    expect(port.calls).to.deep.equal(['close'])
  })
})
