import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUpdateKeyFile } from '@gridseal/bridge'
import { Master, MasterAuthenticator, Outstation, OutstationAuthenticator, serveOutstations } from '@gridseal/dnp3'
import type { OutstationCommand, OutstationServer, OutstationSession, RemoteOutstation } from '@gridseal/dnp3'
import { toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { startPair, until } from '../support/pair.ts'
import type { LinkSpec, Pair } from '../support/pair.ts'

const AUTHORITY = new Uint8Array(32).fill(0xa5)
const OLD_KEY = new Uint8Array(32).fill(0x11)
const LATCH: OutstationCommand = { kind: 'binary', index: 0, code: 3, count: 1, onTime: 0, offTime: 0 }

/** An ordinary SAv5 outstation: users, the authority's key, nothing that knows of bridges. */
class Rtu {
  readonly operated: number[] = []
  authenticator: OutstationAuthenticator | undefined
  session: OutstationSession | undefined
  #server: OutstationServer | undefined

  async start(authorityKey: Uint8Array = AUTHORITY): Promise<string> {
    const outstation = new Outstation({
      local: 10,
      masters: [1],
      keepAlive: 0,
      unsolicited: {},
      points: [{ kind: 'binary-output', index: 0, value: 0 }],
      handler: () => ({ command: (_command, phase) => (phase === 'select' ? 0 : (this.operated.push(1), 0)) }),
      security: (session) =>
        (this.authenticator = new OutstationAuthenticator(
          {
            name: 'RTU 7',
            authorityKey,
            users: [
              { number: 5, name: 'bob', role: 1, updateKey: OLD_KEY },
              { number: 6, name: 'eve', role: 0, updateKey: OLD_KEY },
            ],
          },
          session,
        )),
    })
    this.session = outstation.session(1)
    this.#server = await serveOutstations('tcp://127.0.0.1:0', [outstation])
    return this.#server.url
  }

  get updateKey(): string {
    return this.keyOf(5)
  }

  keyOf(user: number): string {
    return toHex(this.authenticator?.users.get(user)?.updateKey ?? new Uint8Array(0))
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }
}

describe('update keys that the bridges agree on', () => {
  let folder: string
  let rtu: Rtu
  let pair: Pair | undefined
  const masters: Master[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-update-keys-'))
    rtu = new Rtu()
    await writeFile(join(folder, 'authority'), toHex(AUTHORITY), { mode: 0o600 })
  })
  afterEach(async () => {
    await Promise.all(masters.splice(0).map((master) => master.close()))
    await pair?.stop()
    pair = undefined
    await rtu.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const keyFile = (): string => join(folder, 'bob.json')
  const install = (): object => ({ outstation: 'RTU 7', authority: join(folder, 'authority'), remote: 10 })
  function link(device: string, field: object, headEnd: object): LinkSpec {
    return {
      id: 'rtu',
      device,
      field: { protocol: 'dnp3', updateKeys: [{ user: 'bob', ...field }] },
      headEnd: { protocol: 'dnp3', updateKeys: [{ user: 'bob', file: keyFile(), ...headEnd }] },
    }
  }

  /** The utility's master, through both bridges, with a key. */
  async function master(updateKey: Uint8Array, user: number): Promise<RemoteOutstation> {
    const opened = await Master.open(`tcp://127.0.0.1:${pair!.port('rtu')}`)
    masters.push(opened)
    const quiet = { integrity: [], unsolicited: [], disableUnsolicited: false } as const
    const remote = opened.add(
      { local: 1, remote: 10, keepAlive: 0, ...quiet, responseTimeout: 3000 },
      {},
      (association) => {
        return new MasterAuthenticator({ user, updateKey, sessionKeyLength: 16 }, association)
      },
    )
    await opened.whenConnected()
    return remote
  }

  it('an outstation that knows nothing of it gets the key by g120, the master a file; a control goes through under it', async () => {
    pair = await startPair([link(await rtu.start(), { install: install() }, {})])
    await until('the key file is written', () => existsSync(keyFile()))
    const { user, number, updateKey, installed } = await readUpdateKeyFile(keyFile())
    expect([user, number]).to.deep.equal(['bob', 5])
    expect(Math.abs(Date.now() - installed)).to.be.below(60_000)
    expect((await stat(keyFile())).mode & 0o077).to.equal(0)
    expect(toHex(updateKey)).to.equal(rtu.updateKey)
    expect(rtu.updateKey).to.not.equal(toHex(OLD_KEY))
    // What the outstation says unasked is the master's to confirm, DEVICE_RESTART its to clear.
    const { unsolicited, confirms } = rtu.session!.counters
    expect([unsolicited, confirms]).to.deep.equal([1, 0])
    expect(rtu.session!.indications(0) & 0x8000).to.equal(0x8000)

    const known = await master(updateKey, number)
    expect((await known.operate([LATCH])).success).to.equal(true)
    expect(rtu.operated).to.have.length(1)
    await masters.pop()!.close()
    const stale = await master(OLD_KEY, number)
    const refused = await stale.operate([LATCH]).catch((error: unknown) => error)
    expect(refused)
      .to.have.property('code')
      .that.matches(/^dnp3\.security/)
    expect(rtu.operated).to.have.length(1)
    // The key itself is in nobody's words.
    expect(JSON.stringify(pair.events)).to.not.include(toHex(updateKey))
  })

  it('a key of full age is followed by another; one that is young stays over a restart', async () => {
    pair = await startPair([link(await rtu.start(), { install: install() }, { every: '300ms' })])
    const seen = new Set<string>()
    await until('three keys', () => seen.add(rtu.updateKey).size >= 4)
    await pair.stop()
    await rtu.stop()
    pair = await startPair([link(await rtu.start(), { install: install() }, { every: '1h' })])
    await until('the young key is known to be young', () => pair!.field.stats.sites[0]?.channel === 'up')
    // The stop may have fallen between an offer and its file: then the next start begins with another key.
    await until('no key is on its way', () => !existsSync(`${keyFile()}.offered`))
    const before = await readFile(keyFile(), 'utf8')
    await pair.restart('head-end')
    await until('the channel is up again', () => pair!.headEnd.stats.sites[0]?.channel === 'up')
    expect(await readFile(keyFile(), 'utf8')).to.equal(before)
  })

  it('a head-end that stopped between offer and file begins anew: the outstation may have what no master knows', async () => {
    await writeFile(
      keyFile(),
      JSON.stringify({ user: 'bob', number: 5, updateKey: toHex(OLD_KEY), installed: new Date().toISOString() }),
      { mode: 0o600 },
    )
    await writeFile(`${keyFile()}.offered`, '')
    pair = await startPair([link(await rtu.start(), { install: install() }, { every: '1h' })])
    await until('the mark is gone', () => !existsSync(`${keyFile()}.offered`))
    expect(toHex((await readUpdateKeyFile(keyFile())).updateKey)).to.equal(rtu.updateKey)
  })

  it('two users of one outstation get theirs one after the other', async () => {
    const file = join(folder, 'eve.json')
    const spec = link(await rtu.start(), { install: install() }, {})
    const field = { ...spec.field, updateKeys: ['bob', 'eve'].map((user) => ({ user, install: install() })) }
    const headEnd = {
      ...spec.headEnd,
      updateKeys: [
        { user: 'bob', file: keyFile() },
        { user: 'eve', file },
      ],
    }
    pair = await startPair([{ ...spec, field, headEnd }])
    await until('both files are written', () => existsSync(keyFile()) && existsSync(file))
    expect(toHex((await readUpdateKeyFile(keyFile())).updateKey)).to.equal(rtu.keyOf(5))
    expect(toHex((await readUpdateKeyFile(file)).updateKey)).to.equal(rtu.keyOf(6))
    expect(rtu.keyOf(5)).to.not.equal(rtu.keyOf(6))
    expect(pair.events.filter(({ code }) => code.startsWith('bridge.update-key.refused'))).to.deep.equal([])
  })

  it('what the channel lost is agreed on anew when it is back', async () => {
    const spec = link(await rtu.start(), { install: install() }, { every: '1h', retry: '50ms' })
    pair = await startPair([spec])
    await until('the first key', () => existsSync(keyFile()))
    await rm(keyFile())
    // The next process of the head-end offers at once, and is gone before it can be answered; the one after it is not.
    await pair.restart('head-end')
    await until('the offer is out', () => existsSync(`${keyFile()}.offered`))
    await pair.restart('head-end')
    await until('the next key', () => existsSync(keyFile()) && !existsSync(`${keyFile()}.offered`))
    const file = await readUpdateKeyFile(keyFile())
    await until('it is the outstation’s', () => rtu.updateKey === toHex(file.updateKey))
  })

  it('an outstation of another authority refuses; the master keeps its key, and it is tried again', async () => {
    pair = await startPair([link(await rtu.start(new Uint8Array(32)), { install: install() }, { retry: '50ms' })])
    const refusals = (): number =>
      pair!.events.filter(({ code, message }) => code === 'bridge.update-key.refused' && message.includes('error 1'))
        .length
    await until('it was refused twice', () => refusals() >= 2)
    expect(existsSync(keyFile())).to.equal(false)
    expect(rtu.updateKey).to.equal(toHex(OLD_KEY))
    expect(pair.headEnd.stats.sites[0]?.channel).to.equal('up')
  })

  it('a field bridge without such a user says so, and the channel stays up', async () => {
    const { field: _none, ...spec } = link(await rtu.start(), {}, { retry: '50ms' })
    pair = await startPair([{ ...spec, field: { protocol: 'dnp3' } }])
    await until('it was refused', () => pair!.events.some(({ message }) => message.includes('no such user')))
    expect(pair.headEnd.stats.sites[0]?.channels).to.equal(1)
  })

  it('an outstation beside the field bridge gets a key file of its own', async () => {
    const own = join(folder, 'outstation.json')
    pair = await startPair([link(await rtu.start(), { file: own, number: 3 }, {})])
    await until('both files are written', () => existsSync(own) && existsSync(keyFile()))
    const [field, headEnd] = [await readUpdateKeyFile(own), await readUpdateKeyFile(keyFile())]
    expect(toHex(field.updateKey)).to.equal(toHex(headEnd.updateKey))
    expect([field.number, headEnd.number]).to.deep.equal([3, 3])
    expect(rtu.updateKey).to.equal(toHex(OLD_KEY))
  })
})
