import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FileSecurityStore, parseSecurityModel } from '@gridseal/dnp3'
import { UsageError } from '@gridseal/wire'

const USERS = [
  { number: 1, name: 'bob', role: 1, updateKey: new Uint8Array(16).fill(1) },
  { number: 2, name: 'eve', role: 0, updateKey: new Uint8Array(32).fill(2), expires: 5, publicKey: new Uint8Array(3) },
]

describe('what secure authentication keeps in a file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gridseal-security-'))
    path = join(folder, 'state')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('numbers go on above every one that was used; users are as they were; nobody else can read it', () => {
    const store = new FileSecurityStore(path)
    expect(store.load()).to.equal(undefined)
    for (let csq = 1; csq <= 250; csq++) store.save({ ksq: 7, csq, scs: 3, users: USERS })
    const loaded = new FileSecurityStore(path).load()!
    expect(loaded.users).to.deep.equal(USERS)
    expect(loaded.scs).to.equal(3)
    expect(loaded.ksq).to.be.within(7, 107)
    expect(loaded.csq).to.be.within(250, 350)
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).to.equal(0)
  })
  it('is written for a changed user or status change at once, for numbers only now and then', () => {
    const store = new FileSecurityStore(path)
    const written = (): string => readFileSync(path, 'utf8')
    store.save({ ksq: 1, csq: 1, scs: 0, users: USERS })
    const first = written()
    store.save({ ksq: 2, csq: 90, scs: 0, users: USERS })
    expect(written()).to.equal(first)
    store.save({ ksq: 2, csq: 90, scs: 0, users: USERS.slice(1) })
    expect(new FileSecurityStore(path).load()?.users).to.have.length(1)
    store.save({ ksq: 2, csq: 90, scs: 1, users: USERS.slice(1) })
    expect(new FileSecurityStore(path).load()?.scs).to.equal(1)
  })
  it('what is none is said, not begun anew', () => {
    for (const content of ['', '{}', '{"ksq":1,"csq":2,"scs":"x","users":[]}']) {
      writeFileSync(path, content)
      expect(() => new FileSecurityStore(path).load(), content).to.throw(UsageError, path)
    }
    rmSync(path)
    mkdirSync(path)
    expect(() => new FileSecurityStore(path).save({ ksq: 1, csq: 1, scs: 0, users: [] })).to.throw(UsageError)
    expect(readdirSync(folder)).to.deep.equal(['state'])
  })
})

describe('a model of secure authentication', () => {
  const MODEL = `
name: RTU 7
authority: '${'ab'.repeat(32)}'
users:
  - { number: 5, name: bob, role: OPERATOR, updateKey: '${'01'.repeat(16)}' }
state: rtu.state
`
  it('names outstation, authority’s key, users with roles and keys, and the file of the state', () => {
    expect(parseSecurityModel(MODEL, 'rtu.yaml')).to.deep.equal({
      name: 'RTU 7',
      authorityKey: new Uint8Array(32).fill(0xab),
      users: [{ number: 5, name: 'bob', role: 1, updateKey: new Uint8Array(16).fill(1) }],
      state: 'rtu.state',
    })
  })
  for (const [what, from, to, message] of [
    ['a key of another length', "'01", "'", 'users[0].updateKey: 32 or 64 hex digits'],
    ['an unknown role', 'OPERATOR', 'KING', 'users[0]: role is one of VIEWER'],
    ['an unknown name', 'state:', 'stat:', 'there is no "stat"'],
    ['no list of users', 'users:', 'user:', 'there is no "user"'],
    ['YAML that is none', 'name: RTU 7', 'name: [', 'rtu.yaml'],
  ] as const) {
    it(`says where ${what} stands`, () => {
      expect(() => parseSecurityModel(MODEL.replace(from, to), 'rtu.yaml')).to.throw(UsageError, message)
    })
  }
})
