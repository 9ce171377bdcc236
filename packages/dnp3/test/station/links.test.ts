import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Master, Outstation, dnp3Adapter as adapter, encodeLinkFrame, serveOutstations } from '@gridseal/dnp3'
import type { MasterStationOptions, OutstationServer, ServeOptions } from '@gridseal/dnp3'
import { askAndEnd } from '../../../../test/support/half-close.ts'
import { needPeer } from '../../../../test/support/requirements.ts'

interface Pem {
  readonly cert: string
  readonly key: string
}

/** A certificate for 127.0.0.1 that vouches for itself. */
function selfSigned(folder: string, name: string): Pem {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-days', '30', ...key, ...subject, '-out', files.cert], { stdio: 'pipe' })
  return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') }
}

const outstation = (): Outstation =>
  new Outstation({ local: 10, masters: [1], points: [{ kind: 'analog-input', index: 3, value: 33 }] })

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('a DNP3 master that ends its half of the connection behind its request', () => {
  it('gets the answer of the outstation, which then ends its own', async () => {
    const server = await serveOutstations('tcp://127.0.0.1:0', [outstation()])
    // READ g30v0, all: transport FIR FIN, application FIR FIN.
    const user = Uint8Array.of(0xc0, 0xc0, 0x01, 30, 0, 6)
    const request = encodeLinkFrame({
      fromMaster: true,
      primary: true,
      frameCount: false,
      countValidOrBusy: false,
      function: 4,
      destination: 10,
      source: 1,
      user,
    })
    const answers = await askAndEnd(server.url, request)
    const values = adapter.readings().push({
      link: 'x',
      connection: 0,
      direction: 'to-master',
      time: 0n,
      bytes: answers,
    })
    expect(values.map(({ point, value }) => [point, value])).to.deep.equal([['g30/3', 33]])
    await server.close()
  })
})

describe('links of DNP3 stations', () => {
  const closers: (() => Promise<unknown>)[] = []
  let folder: string | undefined
  let ours: Pem
  let theirs: Pem
  before(function () {
    needPeer(this, 'openssl')
    folder = mkdtempSync(join(tmpdir(), 'gridseal-dnp3-tls-'))
    ours = selfSigned(folder, 'outstation')
    theirs = selfSigned(folder, 'master')
  })
  after(() => folder !== undefined && rmSync(folder, { recursive: true }))
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  async function serve(url: string, options: ServeOptions): Promise<OutstationServer> {
    const server = await serveOutstations(url, [outstation()], options)
    closers.push(() => server.close())
    return server
  }

  async function open(url: string, options: MasterStationOptions): Promise<Master> {
    const master = await Master.open(url, { reconnect: { base: 10, max: 20 }, ...options })
    closers.unshift(() => master.close())
    return master
  }

  async function read(master: Master): Promise<number> {
    const remote = master.add({ local: 1, remote: 10, integrity: [], unsolicited: [] })
    await master.whenConnected()
    const { fragments } = await remote.readClasses(0)
    return fragments.flatMap(({ headers }) => headers).filter(({ group }) => group === 30).length
  }

  it('TLS: the master connects, each side knows the other by its certificate', async () => {
    const { url } = await serve('tls://127.0.0.1:0', { listen: { tls: { ...ours, ca: theirs.cert } } })
    expect(await read(await open(url, { connect: { tls: { ...theirs, ca: ours.cert } } }))).to.equal(1)
  })

  it('TLS: the outstation connects, the master listens', async () => {
    const master = await open('tls://127.0.0.1:0', {
      direction: 'listen',
      listen: { tls: { ...theirs, ca: ours.cert } },
    })
    await serve(master.url, { direction: 'connect', connect: { tls: { ...ours, ca: theirs.cert } } })
    expect(await read(master)).to.equal(1)
  })

  it('TLS: a master with another certificate, or none, gets nowhere', async () => {
    const { url } = await serve('tls://127.0.0.1:0', { listen: { tls: { ...ours, ca: theirs.cert } } })
    for (const tls of [{ ca: ours.cert }, { ...ours, ca: ours.cert }]) {
      const master = await open(url, { connect: { tls } })
      const outcome = await Promise.race([
        read(master).catch(() => 'failed'),
        new Promise((resolve) => setTimeout(() => resolve('nothing'), 300)),
      ])
      expect(outcome).to.be.oneOf(['failed', 'nothing'])
    }
  })

  it('an outstation takes connections of the addresses on its list only', async () => {
    const refused = await serve('tcp://127.0.0.1:0', { listen: { allow: ['10.0.0.0/8', '192.0.2.1'] } })
    const away = await open(refused.url, {})
    void read(away).catch(() => undefined)
    const { url } = await serve('tcp://127.0.0.1:0', { listen: { allow: ['127.0.0.0/8'] } })
    expect(await read(await open(url, {}))).to.equal(1)
    await until(() => refused.connections === 0)
  })

  it('statistics tell what came and went, by reason', async () => {
    const device = outstation()
    const server = await serveOutstations('tcp://127.0.0.1:0', [device])
    closers.push(() => server.close())
    const master = await open(server.url, {})
    const remote = master.add({ local: 1, remote: 10, integrity: [], unsolicited: [], disableUnsolicited: false })
    await master.whenConnected()
    await remote.readClasses(0)
    await remote.readClasses(1, 2, 3)
    const { link } = remote.association
    const other = device.session(1)!.link.counters
    await until(() => link.counters.fragmentsIn === other.fragmentsOut)
    expect(link.counters.fragmentsOut).to.be.at.least(2)
    expect([other.framesIn, other.fragmentsIn]).to.deep.equal([link.counters.framesOut, link.counters.fragmentsOut])
    expect([other.violations, other.transport, other.foreignSource]).to.deep.equal([{}, {}, 0])
  })
})
