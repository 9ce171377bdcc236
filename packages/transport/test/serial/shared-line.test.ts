import { connect } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import { expect } from 'chai'
import { needNodeBefore, needPeer } from '../../../../test/support/requirements.ts'
import { Collected, rejection, until } from '../support/collect.ts'
import { PtyPair } from '../support/pty-pair.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const LATE_READS = 'serialport tells of bytes only when the event loop wakes for something else'

describe('a line shared by several links', () => {
  let pty: PtyPair
  const open: Connection[] = []
  let devices: Collected
  let line: Connection

  const share = async (query = 'shared=150&gap=20'): Promise<{ link: Connection; seen: Collected }> => {
    const link = await connect(`${pty.url('a')}&${query}`)
    open.push(link)
    return { link, seen: new Collected(link) }
  }
  before(async function () {
    needPeer(this, 'socat')
    pty = await PtyPair.open()
  })
  beforeEach(async () => {
    await pty.renew()
    line = await connect(pty.url('b'))
    open.push(line)
    devices = new Collected(line)
  })
  afterEach(async () => {
    for (const connection of open) connection.destroy()
    await Promise.all(open.splice(0).map((connection) => connection.closed))
  })
  after(() => pty?.close())

  it('gives each link the answers to its own requests, one request at a time', async function () {
    needNodeBefore(this, 26, LATE_READS)
    const [one, two] = [await share(), await share()]
    one.link.write(Buffer.from('to1?'))
    two.link.write(Buffer.from('to2?'))
    await devices.until(4)
    expect(text(devices.bytes)).to.equal('to1?')
    line.write(Buffer.from('from1'))
    await one.seen.until(5)
    await devices.until(8)
    expect(text(devices.bytes)).to.equal('to1?to2?')
    line.write(Buffer.from('from2'))
    await two.seen.until(5)
    expect([text(one.seen.bytes), text(two.seen.bytes)]).to.deep.equal(['from1', 'from2'])
  })

  it('goes on to the next link when a device does not answer', async function () {
    needNodeBefore(this, 26, LATE_READS)
    const [one, two] = [await share(), await share()]
    one.link.write(Buffer.from('dead'))
    two.link.write(Buffer.from('live'))
    await devices.until(8)
    line.write(Buffer.from('here'))
    await two.seen.until(4)
    expect(text(one.seen.bytes)).to.equal('')
  })

  it('lets a link that has the line write on, and gives all what nobody asked for', async () => {
    const [one, two] = [await share(), await share()]
    one.link.write(Buffer.from('a'))
    one.link.write(Buffer.from('b'))
    two.link.write(Buffer.from('c'))
    await devices.until(3)
    expect(text(devices.bytes)).to.equal('abc')
    await new Promise((resolve) => setTimeout(resolve, 250))
    line.write(Buffer.from('!'))
    await Promise.all([one.seen.until(1), two.seen.until(1)])
  })

  it('comes round to a link that waits, though another asks again as soon as it is answered', async function () {
    needNodeBefore(this, 26, LATE_READS)
    const [greedy, patient] = [await share(), await share()]
    let answered = 0
    const answering = setInterval(() => {
      if (devices.length === answered) return
      answered = devices.length
      line.write(Buffer.from('.'))
    }, 1)
    let asked = 1
    const asking = setInterval(() => {
      if (greedy.seen.length < asked) return
      asked++
      greedy.link.write(Buffer.from('greedy'))
    }, 1)
    greedy.link.write(Buffer.from('greedy'))
    await greedy.seen.until(2)
    patient.link.write(Buffer.from('patient'))
    const before = asked
    try {
      await patient.seen.until(1)
      expect(asked).to.be.above(before)
    } finally {
      clearInterval(answering)
      clearInterval(asking)
    }
  })

  it('is opened once and closed with the last link, and can then be opened again', async () => {
    const [one, two] = [await share(), await share()]
    one.link.end()
    expect(await one.link.closed).to.deep.equal({ kind: 'local' })
    expect((await rejection(connect(pty.url('a')))).code).to.equal('transport.serial.busy')
    two.link.write(Buffer.from('last'))
    await devices.until(4)
    two.link.end()
    const again = await share()
    expect(await two.link.closed).to.deep.equal({ kind: 'local' })
    expect(again.link.local).to.equal(two.link.local)
  })

  it('is lost for all when the adapter is pulled', async () => {
    const [one, two] = [await share(), await share()]
    await pty.unplug()
    for (const { link } of [one, two]) {
      expect((await link.closed).error).to.have.property('code', 'transport.serial.unplugged')
    }
    await pty.renew()
    await until('it opens again', () =>
      share().then(
        () => true,
        () => false,
      ),
    )
  })

  it('refuses a link that would use it in another way', async () => {
    await share()
    expect((await rejection(share('shared=999'))).code).to.equal('transport.serial.shared')
  })
})
