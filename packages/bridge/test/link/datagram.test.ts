import { openDatagram } from '@gridseal/transport'
import type { DatagramSocket } from '@gridseal/transport'
import type { SequencedEntry } from '@gridseal/envelope'
import { expect } from 'chai'
import type { BridgeEvent } from '@gridseal/bridge'
import type { HeadEndLinkConfig } from '#src/config/model.ts'
import { DatagramEnd } from '#src/link/datagram.ts'
import { UdpMaster } from '#src/link/udp-master.ts'
import { adapterFor } from '#src/protocols.ts'
import { needLinux } from '../../../../test/support/requirements.ts'
import { until } from '../support/pair.ts'

const SECOND = 1_000_000_000n

describe('who is the master of a UDP link', () => {
  const [a, again, b] = ['udp://10.0.0.1:1000', 'udp://10.0.0.1:2000', 'udp://10.0.0.2:1000']

  it('is the host that speaks first, from whatever port, until it was silent for a minute', () => {
    const master = new UdpMaster({ peer: undefined, several: false })
    expect([master.target, master.admits(a, SECOND)]).to.deep.equal([undefined, true])
    master.heard(a, SECOND)
    expect([master.target, master.admits(again, SECOND), master.admits(b, SECOND)]).to.deep.equal([a, true, false])
    master.heard(again, 2n * SECOND)
    expect(master.target).to.equal(again)
    expect([master.admits(b, 61n * SECOND), master.admits(b, 62n * SECOND)]).to.deep.equal([false, true])
    master.heard(b, 62n * SECOND)
    expect([master.target, master.admits(a, 63n * SECOND)]).to.deep.equal([b, false])
    expect(master.admits(a, SECOND), 'the clock was set back').to.equal(true)
  })

  it('is the configured peer for ever', () => {
    const master = new UdpMaster({ peer: a, several: false })
    expect([master.target, master.admits(again, SECOND), master.admits(b, SECOND)]).to.deep.equal([a, true, false])
    expect(master.admits(b, 10_000n * SECOND)).to.equal(false)
  })

  it('are those that an allow-list names: who has spoken last is answered', () => {
    const master = new UdpMaster({ peer: a, several: true })
    expect(master.admits(b, SECOND)).to.equal(true)
    master.heard(b, SECOND)
    expect(master.target).to.equal(b)
  })

  it('has an IPv6 address, too', () => {
    const master = new UdpMaster({ peer: 'udp://[2001:db8::1]:1000', several: false })
    expect([master.admits('udp://[2001:db8::1]:7', 0n), master.admits('udp://[2001:db8::2]:1000', 0n)]).to.deep.equal([
      true,
      false,
    ])
  })
})

describe("the masters' end of a UDP link", () => {
  const sockets: { close(): Promise<unknown> }[] = []
  const events: BridgeEvent[] = []
  afterEach(async () => {
    events.length = 0
    for (const socket of sockets.splice(0)) await socket.close()
  })

  const config: HeadEndLinkConfig = {
    id: 'meter',
    protocol: 'raw',
    master: 'udp://127.0.0.1:0',
    keepInvalid: false,
    window: 0,
    silence: 0,
    away: 'close',
    pace: 1000,
  }

  async function end(more: Partial<HeadEndLinkConfig> = {}): Promise<DatagramEnd> {
    const context = {
      config: { ...config, ...more },
      adapter: adapterFor('raw'),
      inbound: 'to-device' as const,
      policy: undefined,
      now: () => SECOND,
      report: (event: BridgeEvent) => void events.push(event),
    }
    const opened = new DatagramEnd(context, { ...config, ...more })
    await opened.start()
    sockets.push({ close: () => opened.stop() })
    return opened
  }

  async function host(address: string): Promise<{ socket: DatagramSocket; heard: string[] }> {
    const socket = await openDatagram({ bind: `udp://${address}:0` })
    sockets.push(socket)
    const heard: string[] = []
    socket.datagrams.subscribe(({ bytes }) => heard.push(Buffer.from(bytes).toString()))
    return { socket, heard }
  }

  const answer = (text: string): SequencedEntry => ({
    kind: 'frame',
    link: 'meter',
    connection: 0,
    direction: 'to-master',
    time: SECOND,
    protocol: 'raw',
    sequence: 1,
    bytes: Buffer.from(text),
  })

  for (const [how, more] of [
    ['a master that is configured', (url: string) => ({ peer: url })],
    ['a master that has spoken', () => ({})],
  ] as const) {
    it(`with ${how} does not hear others, nor answers them: counted, and said once a minute`, async function () {
      needLinux(this)
      const [master, stranger] = [await host('127.0.0.1'), await host('127.0.0.2')]
      const link = await end(more(master.socket.url))
      const taken: string[] = []
      link.entries.subscribe((entries) => {
        for (const entry of entries) if (entry.kind === 'frame') taken.push(Buffer.from(entry.bytes).toString())
      })
      master.socket.send(Buffer.from('read'), link.url)
      await until('the master is heard', () => taken.length === 1)
      for (let n = 0; n < 3; n++) stranger.socket.send(Buffer.from('open the breaker'), link.url)
      await until('the stranger is counted', () => link.counters.foreign === 3)
      link.deliver(answer('42'))
      await until('the answer', () => master.heard.length === 1)
      expect([taken, master.heard, stranger.heard]).to.deep.equal([['read'], ['42'], []])
      expect(link.counters).to.include({ framesIn: 1, framesOut: 1, discarded: 0 })
      expect(events.map(({ level, code, details }) => [level, code, details['from']])).to.deep.equal([
        ['warn', 'link.foreign', stranger.socket.url],
      ])
    })
  }

  it('is not opened for a master without a port, to whom nothing could be sent', async () => {
    const refused = await end({ peer: 'udp://127.0.0.1:0' }).then(
      () => 'opened',
      (error: { code?: string }) => error.code,
    )
    expect(refused).to.equal('transport.url.port')
  })

  it('answers a configured master that was given by name', async () => {
    const master = await host('127.0.0.1')
    const link = await end({ peer: master.socket.url.replace('127.0.0.1', 'localhost') })
    link.deliver(answer('unasked'))
    await until('it is there', () => master.heard.length === 1)
    master.socket.send(Buffer.from('read'), link.url)
    await until('it is heard', () => link.counters.framesIn === 1)
  })
})
