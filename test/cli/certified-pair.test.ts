import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Bridge, BridgeEvent } from '@gridseal/bridge'
import { createBridge, loadConfig } from '@gridseal/bridge'
import { Certificate, issueCertificate, issueRevocationList, readKeyFile } from '@gridseal/pqc'
import type { CertificateExtensions } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { gridseal } from '../support/cli.ts'

/** What `gridseal cert` has made for all tests, in one folder: a CA, two bridges, and a list that revokes neither. */
let folder: string
const file = (name: string): string => join(folder, name)

async function cert(...args: string[]): Promise<void> {
  const { code, stderr } = await gridseal('cert', ...args)
  expect(code, stderr).to.equal(0)
}

const BY_CA = (): string[] => ['--ca', file('ca.pem'), '--ca-key', file('ca.key')]

function device(name: string, out: string, ...more: string[]): Promise<void> {
  const key = ['--key', file(`${name}.key`), '--algorithm', 'ML-DSA-44', '--subject', `CN=${name}`]
  return cert('device', ...BY_CA(), ...key, '--dns', `${name}.example`, '--out', file(out), ...more)
}

function revoke(out: string, number: string, ...files: string[]): Promise<void> {
  return cert('revoke', ...files, ...BY_CA(), '--out', file(out), '--number', number, '--force')
}

/** `gridseal cert` issues nothing that has ended already. */
async function expired(name: string, out: string): Promise<void> {
  const ca = Certificate.fromPem(await readFile(file('ca.pem'), 'utf8'))
  const { publicKey } = await readKeyFile(file(`${name}.key`))
  const extensions: CertificateExtensions = {
    basicConstraints: { ca: false, pathLength: undefined },
    keyUsage: ['digitalSignature'],
    subjectAltName: [{ type: 'dns', value: `${name}.example` }],
  }
  const validity = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) }
  const issued = await issueCertificate(
    { subject: { CN: name }, spki: publicKey.toSpki(), ...validity, extensions },
    { name: ca.subject, signer: await readKeyFile(file('ca.key')) },
  )
  await writeFile(file(out), issued.toPem())
}

/** A list that was to be followed by another an hour ago. */
async function outdated(out: string): Promise<void> {
  const ca = Certificate.fromPem(await readFile(file('ca.pem'), 'utf8'))
  const times = { thisUpdate: new Date(Date.now() - 7_200_000), nextUpdate: new Date(Date.now() - 3_600_000) }
  const data = { ...times, number: 2n, revoked: [] }
  const list = await issueRevocationList(data, { name: ca.subject, signer: await readKeyFile(file('ca.key')) })
  await writeFile(file(out), list.toPem())
}

/** Bridges of this test, and what they have said. */
class Rig {
  readonly events: Record<'field' | 'head-end', BridgeEvent[]> = { field: [], 'head-end': [] }
  readonly #running: Bridge[] = []
  headEnd: Bridge | undefined
  field: Bridge | undefined

  async start(
    device: number,
    field: { certificate?: string; trust?: string; listen?: string; recheck?: string } = {},
  ): Promise<void> {
    const { certificate = 'field.pem', trust = 'name: head-end.example', listen = 'tcp', recheck = '1h' } = field
    await writeFile(
      file('head-end.yaml'),
      `role: head-end\nidentity: head-end.key\ncertificate: head-end.pem\nchannel: { listen: '${listen}://127.0.0.1:0' }\n` +
        `journal: { directory: ${file('journal')}, sync: false }\nsites:\n  - site: s\n` +
        `    trust: { ca: ca.pem, name: field.example, crl: now.crl, recheck: ${recheck} }\n` +
        `    links: [{ id: a, protocol: raw, master: 'tcp://127.0.0.1:0' }]\n`,
    )
    this.headEnd = await this.#run('head-end')
    const { channel } = this.headEnd.stats.listening
    await writeFile(
      file('field.yaml'),
      `role: field\nsite: s\nidentity: field.key\ncertificate: ${certificate}\n` +
        `channel: { connect: '${channel}', trust: { ca: [ca.pem], ${trust} }, holdConnections: 1s }\n` +
        `links: [{ id: a, protocol: raw, device: 'tcp://127.0.0.1:${device}' }]\n`,
    )
    this.field = await this.#run('field')
  }

  async reload(which: 'field' | 'head-end'): Promise<void> {
    const { config } = await loadConfig(file(`${which}.yaml`))
    await (which === 'field' ? this.field : this.headEnd)!.reload(config)
  }

  /** The first event with this code, said already or later. */
  async event(which: 'field' | 'head-end', code: string): Promise<BridgeEvent> {
    const find = (): BridgeEvent | undefined => this.events[which].find((event) => event.code === code)
    await until(
      () => find() !== undefined,
      () => `${code} in ${JSON.stringify(this.events, undefined, 1)}`,
    )
    return find()!
  }

  up(): Promise<void> {
    const both = (): boolean => [this.headEnd, this.field].every((one) => one?.stats.sites[0]?.channel === 'up')
    return until(both, () => JSON.stringify(this.events, undefined, 1))
  }

  async stop(): Promise<void> {
    for (const bridge of this.#running.toReversed()) await bridge.stop()
  }

  async #run(which: 'field' | 'head-end'): Promise<Bridge> {
    const { config } = await loadConfig(file(`${which}.yaml`))
    const bridge = await createBridge(config, (event) => this.events[which].push(event))
    this.#running.push(bridge)
    await bridge.start()
    return bridge
  }
}

async function until(check: () => boolean, what: () => string): Promise<void> {
  for (const deadline = Date.now() + 15_000; !check();) {
    if (Date.now() > deadline) expect.fail(`did not come: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function exchange(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write('ask')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString()
}

describe('bridges that know each other by certificates', () => {
  let server: Server
  let rig: Rig
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-certified-'))
    const root = ['--key', file('ca.key'), '--algorithm', 'ML-DSA-44', '--subject', 'CN=CA']
    await cert('root', ...root, '--out', file('ca.pem'))
    await Promise.all(['head-end', 'field', 'other'].map((name) => device(name, `${name}.pem`)))
    await revoke('none.crl', '1', file('other.pem'))
  })
  after(() => rm(folder, { recursive: true, force: true }))
  beforeEach(async () => {
    await copyFile(file('none.crl'), file('now.crl'))
    server = createServer((socket) => socket.on('data', () => socket.write('answer')))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    rig = new Rig()
  })
  afterEach(async () => {
    await rig.stop()
    server.close()
  })
  const port = (): number => (server.address() as AddressInfo).port

  it('carry traffic, and put the key that was shown beside the journal', async () => {
    await rig.start(port())
    await rig.up()
    const { listening } = rig.headEnd!.stats
    expect(await exchange(Number(new URL(listening['s/a']!).port))).to.equal('answer')
    const { publicKey } = await readKeyFile(file('field.key'))
    expect(await readdir(file('journal'))).to.include(`${toHex(publicKey.fingerprint)}.pub`)
  })

  it('tell an operator exactly, and the peer nothing, when a certificate has expired', async () => {
    await expired('field', 'expired.pem')
    await rig.start(port(), { certificate: 'expired.pem' })
    expect((await rig.event('field', 'certificate.expired')).message).to.match(/"CN=field" was valid until 20/)
    const refused = await rig.event('head-end', 'pqc.cert.expired')
    expect(refused.message).to.match(/^refused tcp:\/\/127\.0\.0\.1:\d+: .*CN=field.* it was valid until 20/)
    const { message } = await rig.event('field', 'channel.alert')
    expect(message)
      .to.match(/^no channel to the head-end: /)
      .and.not.match(/expired|valid/)
    expect(rig.headEnd!.stats.sites[0]).to.include({ channel: 'down', channels: 0 })
  })

  it('end the channel when a new list revokes the peer, and let it in no more', async () => {
    await rig.start(port())
    await rig.up()
    await revoke('now.crl', '2', file('field.pem'))
    await rig.reload('head-end')
    const dismissed = await rig.event('head-end', 'pqc.cert.revoked')
    expect(dismissed.message).to.match(/^s: the peer is not believed any more: .*CN=field.* it was revoked on 20/)
    await until(
      () =>
        rig.events['head-end'].some(
          ({ code, message }) => code === 'pqc.cert.revoked' && message.startsWith('refused'),
        ),
      () => JSON.stringify(rig.events['head-end']),
    )
    expect((await rig.event('field', 'channel.alert')).message).not.to.match(/revoked/)
  })

  it('end the channel when a list that was put there meanwhile revokes the peer, without being told', async () => {
    await rig.start(port(), { recheck: '50ms' })
    await rig.up()
    await revoke('now.crl', '2', file('field.pem'))
    const { message } = await rig.event('head-end', 'pqc.cert.revoked')
    expect(message).to.match(/: .*CN=field.* it was revoked on 20/)
    await until(
      () => rig.headEnd!.stats.sites[0]?.channel === 'down',
      () => JSON.stringify(rig.events),
    )
  })

  it('keep an open channel, and say so, while lists are out of date or unreadable; who is revoked then goes', async () => {
    await rig.start(port(), { recheck: '50ms' })
    await rig.up()
    await outdated('now.crl')
    const { message } = await rig.event('head-end', 'pqc.cert.revocation-unknown')
    expect(message).to.match(/^s: the channel stays open, but nobody new comes in: .*no current revocation list/)
    await writeFile(file('now.crl'), 'not a list')
    expect((await rig.event('head-end', 'config.certificate')).message).to.match(
      /^not read again; what was read before stays in force: .*sites\[0\]\.trust\.crl: .*now\.crl: holds no/,
    )
    expect(rig.headEnd!.stats.sites[0]).to.include({ channel: 'up', channels: 1 })
    await revoke('now.crl', '3', file('field.pem'))
    await rig.event('head-end', 'pqc.cert.revoked')
  })

  it('show a renewed certificate to who comes in over UDP', async () => {
    await rig.start(port(), { listen: 'udp', trust: 'name: renewed.example' })
    await rig.event('field', 'pqc.cert.host')
    await device('head-end', 'head-end.pem', '--dns', 'renewed.example', '--force')
    await rig.reload('head-end')
    await rig.up()
    await device('head-end', 'head-end.pem', '--force')
  })

  it('take a renewed certificate of the same key and another list while they run', async () => {
    await rig.start(port())
    await rig.up()
    const before = rig.field!.stats.certificateEnds!
    await device('field', 'field.pem', '--days', '900', '--force')
    await revoke('now.crl', '3', file('other.pem'))
    await rig.reload('field')
    await rig.reload('head-end')
    expect(rig.field!.stats.certificateEnds).to.be.greaterThan(before)
    expect(rig.events['head-end'].filter(({ level }) => level !== 'info')).to.deep.equal([])
    expect(rig.events.field.filter(({ level }) => level !== 'info')).to.deep.equal([])
    expect(rig.headEnd!.stats.sites[0]).to.include({ channel: 'up', channels: 1 })
  })

  it('refuse a head-end of another name', async () => {
    await rig.start(port(), { trust: 'name: other.example' })
    const { message } = await rig.event('field', 'pqc.cert.host')
    expect(message).to.match(/^no channel to the head-end: .*CN=head-end.* it is not for other\.example/)
  })

  it('refuse everybody where a current list is required and none is there', async () => {
    await rig.start(port(), { trust: 'name: head-end.example, requireRevocation: true' })
    const { message } = await rig.event('field', 'pqc.cert.revocation-unknown')
    expect(message).to.match(/^no channel to the head-end: .*no current revocation list covers it/)
  })

  it('are explained by check; what is wrong is named with file, line and key', async () => {
    await rig.start(port())
    const { code, stdout, stderr } = await gridseal('check', '-c', file('head-end.yaml'))
    expect(code, stderr).to.equal(0)
    expect(stdout).to.include('shows the certificate of "CN=head-end", issued by "CN=CA"')
    expect(stdout).to.include('site s: only who has a certificate for field.example, vouched for by "CN=CA"')
    expect(stdout).to.include(`revoked: ${file('now.crl')}; each must be covered by a current list`)
    const wrong = async (text: string): Promise<string> => {
      await writeFile(file('wrong.yaml'), `role: field\nsite: s\nidentity: field.key\n${text}`)
      const error: unknown = await loadConfig(file('wrong.yaml'))
        .then(
          ({ config }) => createBridge(config, () => undefined),
          (thrown: unknown) => Promise.reject(thrown),
        )
        .catch((thrown: unknown) => thrown)
      return error instanceof Error ? error.message.replaceAll(folder, '') : expect.fail('it was taken')
    }
    const links = `links: [{ id: a, protocol: raw, device: 'tcp://127.0.0.1:1' }]\n`
    const by = (trust: string, more = ''): string => `channel:\n  connect: tcp://127.0.0.1:1\n${trust}${links}${more}`
    expect(await wrong(by(''))).to.match(/wrong\.yaml:4: channel\.peer: missing: the file of its public key, or trust/)
    const both = '  peer: field.pub\n  trust: { ca: ca.pem, name: x }\n'
    expect(await wrong(by(both))).to.match(/wrong\.yaml:6: channel\.peer: either the key is pinned/)
    expect(await wrong(by('  trust: { ca: ca.pem }\n'))).to.match(/wrong\.yaml:6: channel\.trust\.name: missing/)
    expect(await wrong(by('  trust: { ca: [], name: x }\n'))).to.match(/wrong\.yaml:6: channel\.trust\.ca: /)
    const checked = async (text: string): Promise<string> => {
      await writeFile(file('wrong.yaml'), `role: field\nsite: s\nidentity: field.key\n${text}`)
      const result = await gridseal('check', '-c', file('wrong.yaml'))
      expect(result.code).to.equal(2)
      return result.stderr.replaceAll(folder, '')
    }
    expect(await checked(by('  trust: { ca: ca.key, name: x }\n'))).to.equal(
      'gridseal: /wrong.yaml:6: channel.trust.ca: /ca.key: holds no -----BEGIN CERTIFICATE-----\n',
    )
    expect(await checked(by('  trust: { ca: ca.pem, name: x, crl: none }\n'))).to.match(
      /^gridseal: \/wrong\.yaml:6: channel\.trust\.crl: \/none: cannot be read/,
    )
    const trust = '  trust: { ca: ca.pem, name: x }\n'
    expect(await checked(by(trust, 'certificate: head-end.pem\n'))).to.match(
      /^gridseal: \/wrong\.yaml:8: certificate: \/head-end\.pem: .*"CN=head-end" is for another key/,
    )
    const group = by(trust).replace("tcp://127.0.0.1:1' }]", "udp://239.1.2.3:5000', group: g }]")
    expect(await wrong(group)).to.match(/wrong\.yaml:\d+: links\[0\]\.group: .*whose key is pinned/)
  })
})
