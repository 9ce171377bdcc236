import { execFile } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { MemoryEthernet, openEthernet } from '@gridseal/transport'
import type { EthernetSocket, OpenEthernet } from '@gridseal/transport'
import { UsageError, fromHex, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { ROOT, which } from '../../../../test/support/requirements.ts'
import type { VethPair } from '../../../../test/support/veth.ts'
import { vethPair } from '../../../../test/support/veth.ts'
import { settleEthernet } from '#src/ethernet/ethernet-socket.ts'
import { openPacketSocket } from '#src/ethernet/open-packet-socket.ts'
import type { SystemCalls } from '#src/ethernet/system-calls.ts'
import { loadSystemCalls } from '#src/ethernet/system-calls.ts'

const GOOSE = 0x88b8
const PLAIN = '010ccd01000102000000000188b8000100080000000061'
const TAGGED = '010ccd0100010200000000018100800588b8000100080000000061'
const frame = (hex: string, at: number): Uint8Array => Uint8Array.from([...fromHex(hex), at >> 8, at & 0xff])

async function until(what: string, check: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(check(), what).to.equal(true)
}

function heard(socket: EthernetSocket): string[] {
  const frames: string[] = []
  socket.datagrams.subscribe(({ bytes }) => frames.push(toHex(bytes)))
  return frames
}

async function refusal(opening: Promise<unknown>): Promise<UsageError> {
  const error: unknown = await opening.catch((thrown: unknown) => thrown)
  expect(error).to.be.instanceOf(UsageError)
  return error as UsageError
}

/** What holds on every Ethernet; `wire` names the two ends. */
function suite(
  title: string,
  prepare: (context: Mocha.Context) => Promise<{ open: OpenEthernet; a: string; b: string; remove(): Promise<void> }>,
): void {
  describe(title, () => {
    let open: OpenEthernet
    let wire: Awaited<ReturnType<typeof prepare>>
    const sockets: EthernetSocket[] = []
    before(async function () {
      wire = await prepare(this)
      open = async (options) => {
        const socket = await wire.open(options)
        sockets.push(socket)
        return socket
      }
    })
    afterEach(async () => {
      await Promise.all(sockets.splice(0).map((socket) => socket.close()))
    })
    after(() => wire?.remove())

    it('carries frames byte for byte, tags and all, and gives the sender its own not back', async () => {
      const a = await open({ url: `eth://${wire.a}`, etherType: GOOSE })
      const b = await open({ url: `eth://${wire.b}`, etherType: GOOSE })
      const [atA, atB] = [heard(a), heard(b)]
      const frames = [
        PLAIN,
        TAGGED,
        '010ccd01000102000000000188a800078100800588b8000100080000000061',
        '010ccd010001020000000001892f0000000188b8000100080000000061',
        `${PLAIN}${'00'.repeat(37)}`,
        `${TAGGED}${'5a'.repeat(1473)}`,
      ]
      for (const hex of frames) expect(a.send(fromHex(hex)), hex).to.equal(true)
      await until('all arrive', () => atB.length === frames.length)
      expect(atB).to.deep.equal(frames)
      expect(atA).to.deep.equal([])
      expect(a.counters).to.include({ datagramsOut: frames.length, datagramsIn: 0, dropped: 0, errors: 0 })
      expect(b.counters).to.include({ datagramsIn: frames.length, overflowed: 0, elsewhere: 0, errors: 0 })
      expect(b.url).to.equal(`eth://${wire.b}`)
    })

    it('hears its EtherType only, and the destinations that it was given', async () => {
      const a = await open({ url: `eth://${wire.a}`, etherType: GOOSE })
      const b = await open({ url: `eth://${wire.b}`, etherType: GOOSE, destinations: ['01-0C-CD-01-00-01'] })
      const sv = await open({ url: `eth://${wire.b}`, etherType: 0x88ba })
      const [atB, atSv] = [heard(b), heard(sv)]
      a.send(fromHex(PLAIN.replace('010ccd010001', '010ccd010002')))
      a.send(fromHex(PLAIN.replace('88b8', '88ba')))
      a.send(fromHex(PLAIN))
      await until('what was asked for', () => atB.length === 1 && atSv.length === 1)
      expect(atB).to.deep.equal([PLAIN])
      expect(atSv).to.deep.equal([PLAIN.replace('88b8', '88ba')])
      expect(b.counters).to.include({ datagramsIn: 1, elsewhere: 1 })
    })

    it('tells who has sent a frame', async () => {
      const a = await open({ url: `eth://${wire.a}`, etherType: GOOSE })
      const b = await open({ url: `eth://${wire.b}`, etherType: GOOSE })
      const from: string[] = []
      b.datagrams.subscribe((datagram) => from.push(datagram.from))
      a.send(fromHex(PLAIN))
      await until('it arrives', () => from.length === 1)
      expect(from).to.deep.equal(['02:00:00:00:00:01'])
    })

    it('holds up to 1,024 frames for a subscriber, and counts what is too much', async () => {
      const a = await open({ url: `eth://${wire.a}`, etherType: GOOSE })
      const b = await open({ url: `eth://${wire.b}`, etherType: GOOSE })
      for (let i = 0; i < 1100; i++) {
        a.send(frame(PLAIN, i))
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await until('all were counted', () => b.counters.datagramsIn + b.counters.overflowed === 1100)
      const frames = heard(b)
      expect(frames.length).to.equal(1024)
      expect(frames[1023]).to.equal(toHex(frame(PLAIN, 1023)))
    })

    it('sends nothing that is shorter than a header, and nothing after it was closed', async () => {
      const a = await open({ url: `eth://${wire.a}`, etherType: GOOSE })
      expect(() => a.send(new Uint8Array(13))).to.throw(UsageError)
      await a.close()
      await a.close()
      expect(a.send(fromHex(PLAIN))).to.equal(false)
      expect(a.counters).to.include({ dropped: 1, datagramsOut: 0 })
    })
  })
}

suite('Ethernet in memory', () => {
  const ethernet = new MemoryEthernet()
  return Promise.resolve({ open: ethernet.open, a: 'bus', b: 'bus', remove: () => Promise.resolve() })
})

suite('raw Ethernet (AF_PACKET)', async (context) => {
  const pair = await vethPair(context)
  return { open: openEthernet, a: pair.a, b: pair.b, remove: () => pair.remove() }
})

describe('raw Ethernet', () => {
  let pair: VethPair
  before(async function () {
    pair = await vethPair(this)
  })
  after(() => pair?.remove())

  const packetSockets = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
      } catch {
        return false
      }
    }).length

  it('leaves no descriptor open, however often it is opened and closed', async () => {
    const count = packetSockets()
    for (let i = 0; i < 50; i++) {
      const sockets = await Promise.all(
        [pair.a, pair.b].map((name) => openEthernet({ url: `eth://${name}`, etherType: GOOSE })),
      )
      await Promise.all(sockets.map((socket) => socket.close()))
    }
    expect(packetSockets()).to.equal(count)
  })

  it('many sockets take one thread of the pool: files are read meanwhile', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 8 }, () => openEthernet({ url: `eth://${pair.a}`, etherType: GOOSE })),
    )
    const { readFile } = await import('node:fs/promises')
    await Promise.all(Array.from({ length: 20 }, () => readFile('/proc/self/stat')))
    await Promise.all(sockets.map((socket) => socket.close()))
  }).timeout(5000)

  it('counts what the kernel had no room for', async () => {
    const a = await openEthernet({ url: `eth://${pair.a}`, etherType: GOOSE })
    const b = await openEthernet({ url: `eth://${pair.b}`, etherType: GOOSE })
    let count = 0
    b.datagrams.subscribe(() => count++)
    // In one go: nobody reads meanwhile.
    let sent = 0
    for (let i = 0; i < 40_000; i++) if (a.send(frame(`${PLAIN}${'00'.repeat(200)}`, i & 0xffff))) sent++
    await until('all are accounted for', () => b.counters.datagramsIn + b.counters.overflowed === sent)
    expect(b.counters.overflowed).to.be.greaterThan(0)
    expect(b.counters.datagramsIn).to.equal(count)
    await Promise.all([a.close(), b.close()])
  })

  it('counts a frame that is too long for the interface', async () => {
    const a = await openEthernet({ url: `eth://${pair.a}`, etherType: GOOSE })
    expect(a.send(Uint8Array.from([...fromHex(PLAIN), ...new Uint8Array(3000)]))).to.equal(false)
    expect(a.counters).to.include({ errors: 1, dropped: 1 })
    await a.close()
  })

  it('hears what is for another station when it is told to be promiscuous', async () => {
    const a = await openEthernet({ url: `eth://${pair.a}`, etherType: GOOSE })
    const b = await openEthernet({ url: `eth://${pair.b}?promiscuous=true`, etherType: GOOSE })
    const atB = heard(b)
    a.send(fromHex(PLAIN.replace('010ccd010001', '020000000099')))
    await until('it arrives', () => atB.length === 1)
    await Promise.all([a.close(), b.close()])
  })

  it('goes on with an interface that was taken away and has come back', async () => {
    const ip = (...parts: string[]): Promise<unknown> => promisify(execFile)(which('ip')!, ['link', ...parts])
    const [near, far] = [`${pair.a.slice(0, -1)}x`, `${pair.a.slice(0, -1)}y`]
    const plug = async (): Promise<void> => {
      await ip('add', near, 'type', 'veth', 'peer', 'name', far)
      await ip('set', near, 'up')
      await ip('set', far, 'up')
    }
    await plug()
    const socket = await openEthernet({ url: `eth://${near}`, etherType: GOOSE })
    try {
      const frames = heard(socket)
      await ip('del', near)
      await until('it is noticed', () => socket.counters.errors > 0)
      expect(socket.send(fromHex(PLAIN))).to.equal(false)
      await plug()
      const other = await openEthernet({ url: `eth://${far}`, etherType: GOOSE })
      await until('frames are heard again', () => {
        other.send(fromHex(PLAIN))
        return frames.length > 0
      })
      expect(socket.send(fromHex(PLAIN))).to.equal(true)
      await other.close()
    } finally {
      await socket.close()
      await ip('del', near).catch(() => undefined)
    }
  })

  it('a process that has closed its sockets ends, and so does one that just exits', async () => {
    const script = (end: string): string =>
      `import { openEthernet } from '@gridseal/transport'
       const socket = await openEthernet({ url: 'eth://${pair.a}', etherType: 0x88b8 })
       ${end}`
    for (const end of ['await socket.close()', 'process.exit(0)']) {
      const parts = ['-C', 'source', '--input-type=module', '-e', script(end)]
      await promisify(execFile)(process.execPath, parts, { cwd: `${ROOT}/packages/transport`, timeout: 15_000 })
    }
  }).timeout(40_000)

  it('says which interfaces there are', async () => {
    const error = await refusal(openEthernet({ url: 'eth://nonesuch0', etherType: GOOSE }))
    expect(error.code).to.equal('transport.ethernet.interface')
    expect(error.message).to.contain('lo')
  })
})

describe('raw Ethernet that is not to be had', () => {
  it('without koffi says what to install', async () => {
    const error = await refusal(loadSystemCalls(() => Promise.reject(new UsageError('test', 'not there')), 'linux'))
    expect(error.code).to.equal('transport.ethernet.missing')
    expect(error.message).to.contain('npm install koffi')
  })

  it('on another system says so', async () => {
    const error = await refusal(loadSystemCalls(undefined, 'darwin'))
    expect(error.code).to.equal('transport.ethernet.system')
  })

  /** A kernel that refuses a call with a number. */
  const refusing = (errno: number): SystemCalls => ({ socket: () => -1, errno: () => errno }) as unknown as SystemCalls
  const settings = settleEthernet({ url: 'eth://eth1', etherType: GOOSE })
  for (const [errno, code, words] of [
    [1, 'transport.ethernet.denied', 'CAP_NET_RAW'],
    [13, 'transport.ethernet.denied', 'CAP_NET_RAW'],
    [97, 'transport.ethernet.system', 'no packet sockets'],
    [105, 'transport.ethernet.failed', 'error 105'],
  ] as const) {
    it(`error ${errno} of the system: ${code}`, () => {
      expect(() => openPacketSocket(refusing(errno), settings))
        .to.throw(words)
        .with.property('code', code)
    })
  }

  it('options that are wrong are said before anything is opened', async () => {
    const bad: readonly (readonly [object, string])[] = [
      [{ url: 'eth://eth1', etherType: 0x05ff }, 'transport.option'],
      [{ url: 'eth://eth1', etherType: GOOSE, destinations: [] }, 'transport.option'],
      [{ url: 'eth://eth1', etherType: GOOSE, destinations: ['01-0C'] }, 'transport.ethernet.address'],
      [{ url: 'eth://eth1', etherType: GOOSE, vlan: 3 }, 'transport.option'],
      [{ url: 'udp://10.0.0.1:1', etherType: GOOSE }, 'transport.url.scheme'],
      [{ url: 'eth://', etherType: GOOSE }, 'transport.url.interface'],
    ]
    for (const [options, code] of bad) {
      const error = await refusal(openEthernet(options as Parameters<OpenEthernet>[0]))
      expect(error.code, JSON.stringify(options)).to.equal(code)
    }
  })
})
