import { spawnSync } from 'node:child_process'
import { openDatagram } from '@gridseal/transport'
import type { Datagram, DatagramOptions, DatagramSocket } from '@gridseal/transport'
import { expect } from 'chai'
import { cannotTest, needIpv6, needLinux, needPeer } from '../../../../test/support/requirements.ts'
import { codeOf, pattern, rejection, until } from '../support/collect.ts'

const FROM_PORT_0 = `
  socket(my $raw, AF_INET, SOCK_RAW, 17) or die $!;
  defined send($raw, pack('nnnna4', 0, $ARGV[0], 12, 0, 'what'), 0, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
`

describe('a UDP socket', () => {
  const open: DatagramSocket[] = []
  async function socket(options: DatagramOptions = { bind: 'udp://127.0.0.1:0' }): Promise<DatagramSocket> {
    const made = await openDatagram(options)
    open.push(made)
    return made
  }
  function gather(from: DatagramSocket): Datagram[] {
    const all: Datagram[] = []
    from.datagrams.subscribe((datagram) => all.push(datagram))
    return all
  }
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())))

  it('answers whoever has sent', async () => {
    const device = await socket()
    device.datagrams.subscribe(({ bytes, from }) => device.send(bytes, from))
    const master = await socket({ peer: device.url })
    const answers = gather(master)
    expect(master.send(pattern(300))).to.equal(true)
    await until('the answer', () => answers.length === 1)
    expect(answers[0]?.from).to.equal(device.url)
    expect(Buffer.compare(answers[0]?.bytes ?? new Uint8Array(), pattern(300))).to.equal(0)
    const counts = { datagramsIn: 1, bytesIn: 300, datagramsOut: 1, bytesOut: 300 }
    for (const one of [device, master]) expect(one.counters).to.include(counts)
  })

  it('does not hear port 0, where nobody can be answered, and does not send there', async function () {
    needLinux(this)
    needPeer(this, 'perl')
    const device = await socket()
    device.datagrams.subscribe(({ bytes, from }) => device.send(bytes, from))
    expect(codeOf(() => device.send(pattern(3), 'udp://127.0.0.1:0'))).to.equal('transport.url.port')
    // No UDP socket sends from port 0, but a raw one does.
    const { status, stderr } = spawnSync('perl', ['-MSocket', '-e', FROM_PORT_0, new URL(device.url).port])
    if (status !== 0) cannotTest(this, `packets cannot be made by hand: ${String(stderr)}`)
    await until('it is refused', () => device.counters.refusedAddress === 1)
    expect(device.counters).to.include({ datagramsIn: 0, datagramsOut: 0 })
  })

  it('keeps the borders of datagrams, empty ones too', async () => {
    const [a, b] = [await socket(), await socket()]
    const atB = gather(b)
    for (const length of [1, 0, 1400, 65_507]) a.send(pattern(length), b.url)
    await until('all four', () => atB.length === 4)
    expect(atB.map(({ bytes }) => bytes.length)).to.deep.equal([1, 0, 1400, 65_507])
  })

  it('holds what comes before anyone has subscribed, up to a limit', async () => {
    const [a, b] = [await socket(), await socket()]
    for (let i = 0; i < 1100; i++) {
      a.send(Uint8Array.of(i >> 8, i & 0xff), b.url)
      if (i % 50 === 49) await until('it is received', () => b.counters.datagramsIn + b.counters.overflowed === i + 1)
    }
    expect(b.counters).to.include({ datagramsIn: 1024, overflowed: 76 })
    expect(gather(b)).to.have.length(1024)
  })

  it('hears only its peer when it has one', async () => {
    const [peer, stranger] = [await socket(), await socket()]
    const one = await socket({ peer: peer.url })
    const heard = gather(one)
    stranger.send(pattern(3), one.url)
    peer.send(pattern(4), one.url)
    await until('the peer is heard', () => heard.length === 1)
    expect(heard[0]?.bytes.length).to.equal(4)
  })

  it('lets in only what the allow-list names', async function () {
    needLinux(this)
    const guarded = await socket({ bind: 'udp://127.0.0.1:0', allow: ['127.0.0.2/32'] })
    const heard = gather(guarded)
    const [stranger, friend] = [await socket(), await socket({ bind: 'udp://127.0.0.2:0' })]
    stranger.send(pattern(3), guarded.url)
    stranger.send(pattern(3), guarded.url)
    friend.send(pattern(4), guarded.url)
    await until('all have come', () => guarded.counters.refusedAddress === 2 && heard.length === 1)
    expect(heard[0]?.from).to.equal(friend.url)
  })

  it('talks to IPv4 and IPv6 through one IPv6 socket', async function () {
    needIpv6(this)
    const dual = await socket({ bind: 'udp://[::]:0' })
    dual.datagrams.subscribe(({ bytes, from }) => dual.send(bytes, from))
    const port = new URL(dual.url).port
    for (const host of ['127.0.0.1', '[::1]']) {
      const one = await socket({ peer: `udp://${host}:${port}` })
      const heard = gather(one)
      one.send(pattern(9))
      await until(`the echo over ${host}`, () => heard.length === 1)
    }
  })

  it('counts a port that nobody listens on, and lives on', async () => {
    const gone = await socket()
    const { url } = gone
    await gone.close()
    const one = await socket({ peer: url })
    one.send(pattern(5))
    await until('the ICMP message', () => one.counters.errors > 0)
    expect(one.send(pattern(5))).to.equal(true)
  })

  it('counts a datagram that is too long', async () => {
    const [a, b] = [await socket(), await socket()]
    a.send(new Uint8Array(65_508), b.url)
    await until('the error', () => a.counters.errors === 1)
  })

  it('does not queue without limit', async () => {
    const [a, b] = [await socket(), await socket()]
    const chunk = new Uint8Array(60_000)
    let dropped = 0
    for (let i = 0; i < 200; i++) if (!a.send(chunk, b.url)) dropped++
    expect(dropped).to.be.greaterThan(0)
    expect(a.counters.dropped).to.equal(dropped)
    await until('the rest has left', () => a.send(chunk, b.url))
  })

  it('sends what it was given before it closes, and nothing later', async () => {
    const [a, b] = [await socket(), await socket()]
    const atB = gather(b)
    a.send(pattern(7), b.url)
    await a.close()
    expect(a.send(pattern(7), b.url)).to.equal(false)
    expect(a.counters.dropped).to.equal(1)
    await until('it arrives', () => atB.length === 1)
  })

  it('needs one target: its peer, or one for each datagram', async () => {
    const one = await socket()
    const other = await socket({ peer: one.url })
    expect(codeOf(() => one.send(pattern(1)))).to.equal('transport.udp.target')
    expect(codeOf(() => other.send(pattern(1), one.url))).to.equal('transport.udp.target')
    expect(codeOf(() => one.send(pattern(1), 'tcp://127.0.0.1:5'))).to.equal('transport.url.scheme')
  })

  it('refuses what it cannot open', async () => {
    const taken = await socket()
    for (const [options, code] of [
      [{ bind: taken.url }, 'transport.listen.in-use'],
      [{ bind: 'tcp://127.0.0.1:0' }, 'transport.url.scheme'],
      [{ peer: 'udp://127.0.0.1:0' }, 'transport.url.port'],
      [{ bind: 'udp://127.0.0.1:0', allow: ['x'] }, 'transport.allow'],
      [{ bnid: 'udp://127.0.0.1:0' }, 'transport.option'],
    ] as const) {
      expect((await rejection(openDatagram(options as DatagramOptions))).code).to.equal(code)
    }
  })
})
