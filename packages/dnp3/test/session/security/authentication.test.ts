import { createHash, createHmac } from 'node:crypto'
import { expect } from 'chai'
import { SigningKey, generateKemKeyPair } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import { decodeFragment } from '#src/codec/application.ts'
import { allOctets, headerOctets, sizedOctets } from '#src/codec/header-octets.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { KEY_CHANGE, KEY_STATUS, REPLY, SECURITY_ERROR } from '#src/codec/security-objects.ts'
import type { KeyStatus } from '#src/codec/security-objects.ts'
import { LinkChannel } from '#src/session/link/link-channel.ts'
import { Association } from '#src/session/master/association.ts'
import { MasterChannel } from '#src/session/master/master-channel.ts'
import { plainRequest } from '#src/session/master/procedures.ts'
import type { MasterProcedure, Outcome } from '#src/session/master/task.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'
import { MAC_ALGORITHMS } from '#src/session/security/algorithms.ts'
import { encryptUpdateKey, statusBody, wrapSessionKeys } from '#src/session/security/key-material.ts'
import { changeUpdateKey, changeUserStatus } from '#src/session/security/key-procedures.ts'
import { MasterAuthenticator } from '#src/session/security/master-authenticator.ts'
import type { UpdateKeySource } from '#src/session/security/key-procedures.ts'
import type { MasterSecurityOptions } from '#src/session/security/master-authenticator.ts'
import { OutstationAuthenticator } from '#src/session/security/outstation-authenticator.ts'
import { PQ_METHOD, PostQuantumAuthority, certifyUser, sealUpdateKey } from '#src/session/security/post-quantum.ts'
import type { OutstationSecurityOptions } from '#src/session/security/security-options.ts'
import { STATISTIC } from '#src/session/security/statistics.ts'
import type { SecurityState } from '#src/session/security/users.ts'

const KEY = new Uint8Array(16).fill(7)
const LATCH_ON = headerOctets(12, 1, 0x28, [{ index: 0, code: 3, count: 1, onTime: 100, offTime: 100, status: 0 }])
const DIRECT_OPERATE = 5

/** Octets that are the same in every run. */
function seeded(seed: string): (length: number) => Uint8Array {
  let count = 0
  return (length) => {
    const parts: Buffer[] = []
    for (let got = 0; got < length; got += 32) parts.push(createHash('sha256').update(`${seed} ${count++}`).digest())
    return Buffer.concat(parts).subarray(0, length)
  }
}

/** A master and an outstation, joined by their outboxes; what passes may be changed on its way. */
class Pair {
  now = 0
  /** Commands that were carried out. */
  operated = 0
  readonly session: OutstationSession
  readonly security: OutstationAuthenticator
  readonly association: Association
  readonly master: MasterAuthenticator
  readonly database: Database
  readonly #channel: MasterChannel
  readonly #line: LinkChannel
  readonly #out = new Outbox()
  readonly #in = new Outbox()
  /** Fragments of the master on their way; undefined drops one. */
  tamper: (fragment: Uint8Array) => Uint8Array | undefined = (fragment) => fragment
  readonly fromMaster: Uint8Array[] = []
  readonly toMaster: Uint8Array[] = []

  constructor(options: Partial<OutstationSecurityOptions> = {}, masterOptions: Partial<MasterSecurityOptions> = {}) {
    this.database = new Database([{ kind: 'binary-output', index: 0, value: 0 }], new DeviceClock(1_800_000_000_000, 0))
    let security: OutstationAuthenticator | undefined
    this.session = new OutstationSession(
      { local: 10, remote: 1, keepAlive: 0, maxReceive: 16_384 },
      {
        database: this.database,
        outbox: this.#in,
        handler: {
          command: () => {
            this.operated++
            return 0
          },
        },
        security: (owner) =>
          (security = new OutstationAuthenticator(
            {
              users: [{ number: 1, name: 'bob', role: 32_768, updateKey: KEY }],
              random: seeded('outstation'),
              ...options,
            },
            owner,
          )),
      },
    )
    this.security = security!
    // Or the master would clear it, as every master does, in the middle of a test.
    this.session.clearRestart()
    let master: MasterAuthenticator | undefined
    this.association = new Association(
      { local: 1, remote: 10, keepAlive: 0, integrity: [], unsolicited: [], disableUnsolicited: false },
      {
        outbox: this.#out,
        utc: (now) => now,
        security: (owner) =>
          (master = new MasterAuthenticator({ updateKey: KEY, random: seeded('master'), ...masterOptions }, owner)),
      },
    )
    this.master = master!
    const send = this.association.link.send.bind(this.association.link)
    this.association.link.send = (fragment, destination, now) => {
      const sent = this.tamper(fragment.slice())
      this.fromMaster.push(fragment.slice())
      if (sent !== undefined) send(sent, destination, now)
    }
    const answer = this.session.link.send.bind(this.session.link)
    this.session.link.send = (fragment, destination, now) => {
      this.toMaster.push(fragment.slice())
      answer(fragment, destination, now)
    }
    this.#channel = new MasterChannel('stream', this.#out)
    this.#line = new LinkChannel('stream', 'outstation', this.#in)
    this.#line.add(this.session, 0)
    this.#channel.add(this.association, 0)
    this.#line.opened(0)
    this.#channel.opened(0)
    this.settle()
  }

  settle(): void {
    for (;;) {
      const [down, up] = [this.#out.take(), this.#in.take()]
      if (down === undefined && up === undefined) return
      if (down !== undefined) this.#line.push(down, this.now)
      if (up !== undefined) this.#channel.push(up, this.now)
    }
  }

  advance(milliseconds: number): void {
    this.now += milliseconds
    this.#line.advance(this.now)
    this.#channel.advance(this.now)
    this.settle()
  }

  run<T>(procedure: () => MasterProcedure<T>): Outcome<T> | undefined {
    let outcome: Outcome<T> | undefined
    this.association.submit('test', procedure, (result) => (outcome = result), this.now)
    this.#channel.choose(this.now)
    this.settle()
    return outcome
  }

  operate(): Outcome<unknown> | undefined {
    return this.run(() => plainRequest(DIRECT_OPERATE, LATCH_ON))
  }

  /** Injects a fragment as if the master had sent it, and returns what the outstation answers. */
  inject(fragment: Uint8Array): Uint8Array[] {
    const answers: Uint8Array[] = []
    const { link } = this.session
    const send = link.send.bind(link)
    link.send = (octets) => void answers.push(octets)
    this.session.fragmentReceived(fragment, { source: 1, broadcast: undefined }, this.now)
    link.send = send
    return answers
  }
}

function errorOf(fragment: Uint8Array | undefined): number | undefined {
  const header = fragment && decodeFragment(fragment).headers.find((one) => one.group === 120 && one.variation === 7)
  return header && SECURITY_ERROR.decode(decodeObjects(header)[0]!.value as Uint8Array).error
}

const failed = (outcome: Outcome<unknown> | undefined): unknown =>
  outcome?.ok === false ? ((outcome.error as { details?: unknown }).details ?? outcome.error) : outcome

describe('SAv5 between our two sides', () => {
  for (const { code, name } of MAC_ALGORITHMS) {
    it(`${name}: session keys at the start, critical requests challenged and carried out`, () => {
      const pair = new Pair({ macAlgorithm: code }, { macAlgorithms: [code] })
      expect(pair.master.hasKeys).to.equal(true)
      expect(pair.operate()?.ok).to.equal(true)
      expect(pair.operated).to.equal(1)
      expect(pair.run(() => plainRequest(1, allOctets(60, 1)))?.ok).to.equal(true)
      expect(pair.security.statistic(STATISTIC.AUTHENTICATED)).to.equal(1)
      expect(pair.security.statistic(STATISTIC.CRITICAL_RECEIVED)).to.equal(1)
    })
  }

  it('an update key of 32 octets goes with AES-256 key wrap', () => {
    const updateKey = new Uint8Array(32).fill(9)
    const pair = new Pair(
      { users: [{ number: 1, name: 'bob', role: 32_768, updateKey }] },
      { updateKey, sessionKeyLength: 32 },
    )
    expect(pair.operate()?.ok).to.equal(true)
  })

  it('another update key: no session keys, nothing critical is done, and both sides say so', () => {
    const pair = new Pair({}, { updateKey: new Uint8Array(16).fill(8) })
    expect(pair.master.hasKeys).to.equal(false)
    expect(pair.security.statistic(STATISTIC.FAILED_KEY_CHANGES)).to.equal(1)
    expect(pair.operate()?.ok).to.equal(false)
    expect(pair.operated).to.equal(0)
  })

  it('a changed octet anywhere in request or reply: refused with error 1, counted, and nothing is done', () => {
    const size = new Pair().fromMaster.length
    let cases = 0
    const lengths = ((): number[] => {
      const pair = new Pair()
      pair.operate()
      return pair.fromMaster.slice(size).map(({ length }) => length)
    })()
    for (const [message, length] of lengths.entries()) {
      // What names the user, the challenge or the MAC; the header says which message it is.
      for (let at = message === 0 ? length - 1 : 8; at < length; at++) {
        const pair = new Pair()
        let count = 0
        pair.tamper = (fragment) => {
          // The request is changed after it was challenged: the reply is about another one.
          if (count++ === message) fragment[at]! ^= 0x10
          return fragment
        }
        const outcome = pair.operate()
        pair.tamper = (fragment) => fragment
        expect(outcome?.ok, `message ${message} octet ${at}`).to.not.equal(true)
        expect(pair.operated, `message ${message} octet ${at}`).to.equal(0)
        expect(pair.security.statistic(STATISTIC.AUTHENTICATION_FAILURES)).to.equal(1)
        expect(pair.security.statistic(STATISTIC.ERRORS_SENT)).to.equal(1)
        cases++
      }
    }
    expect(cases).to.be.above(15)
  })

  it('a reply that was right once, again; without a challenge; for another challenge; too short: never', () => {
    const pair = new Pair()
    pair.operate()
    const reply = pair.fromMaster.at(-1)!
    const failures = (): number =>
      pair.security.statistic(STATISTIC.AUTHENTICATION_FAILURES) + pair.security.statistic(STATISTIC.UNEXPECTED)
    expect(pair.inject(reply)).to.be.empty
    expect(failures()).to.equal(1)
    const request = new Uint8Array([0xc5, DIRECT_OPERATE, ...LATCH_ON])
    expect(pair.inject(request)).to.have.length(1)
    expect(errorOf(pair.inject(reply)[0])).to.equal(1)
    pair.inject(request)
    const { csq, user, mac } = REPLY.decode(decodeObjects(decodeFragment(reply).headers[0]!)[0]!.value as Uint8Array)
    const short = sizedOctets(120, 2, REPLY.encode({ csq: csq + 2, user, mac: mac.subarray(0, 4) }))
    expect(errorOf(pair.inject(new Uint8Array([0xc5, 32, ...short]))[0])).to.equal(1)
    expect(failures()).to.equal(3)
  })

  it('while a reply is waited for, other requests are thrown away; after the time-out the request is forgotten', () => {
    const pair = new Pair()
    const challenged = pair.inject(new Uint8Array([0xc5, DIRECT_OPERATE, ...LATCH_ON]))
    expect(challenged[0]![1]).to.equal(131)
    expect(pair.inject(new Uint8Array([0xc6, 1, ...allOctets(60, 1)]))).to.be.empty
    expect(pair.security.statistic(STATISTIC.DISCARDED)).to.equal(1)
    pair.advance(2000)
    expect(pair.security.statistic(STATISTIC.REPLY_TIMEOUTS)).to.equal(1)
    expect(pair.inject(new Uint8Array([0xc6, 1, ...allOctets(60, 1)]))).to.have.length(1)
  })

  it('a broadcast cannot be challenged: what is critical is thrown away, what is not is carried out', () => {
    const pair = new Pair()
    const broadcast = (code: number, objects: Uint8Array): void => {
      const fragment = Buffer.concat([new Uint8Array([0xc5, code]), objects])
      pair.session.fragmentReceived(fragment, { source: 1, broadcast: 0xffff }, pair.now)
    }
    broadcast(6, LATCH_ON)
    broadcast(2, headerOctets(50, 1, 0x07, [{ index: 0, time: 1 }]))
    expect(pair.operated).to.equal(0)
    expect(pair.database.clock.utc(pair.now)).to.equal(1_800_000_000_000)
    expect(pair.security.statistic(STATISTIC.DISCARDED)).to.equal(2)
    broadcast(8, allOctets(20, 0))
    expect(pair.session.counters.broadcasts).to.equal(1)
    expect(pair.operate()?.ok).to.equal(true)
  })

  it('requests for the key status are bounded by the minute, not for ever: whoever floods locks no master out', () => {
    const pair = new Pair({ maxStatusRequests: 3 })
    const request = new Uint8Array([0xc1, 32, ...headerOctets(120, 4, 0x07, [{ index: 0, user: 1 }])])
    const refusals = (): (number | undefined)[] => Array.from({ length: 4 }, () => errorOf(pair.inject(request)[0]))
    expect(refusals()).to.deep.equal([undefined, undefined, undefined, 12])
    pair.advance(60_000)
    expect(refusals()).to.deep.equal([undefined, undefined, undefined, 12])
  })

  it('session keys end at the outstation, too, however long the master would use them', () => {
    for (const limit of [{ keyLifetime: 1000 }, { keyUses: 1 }]) {
      const pair = new Pair(limit)
      expect(pair.operate()?.ok).to.equal(true)
      pair.advance(1000)
      expect(failed(pair.operate())).to.deep.equal({ error: 1 })
      expect(pair.operated).to.equal(1)
      // The master has new ones by then.
      expect(pair.operate()?.ok).to.equal(true)
    }
  })

  it('session keys that answer another key status than the last are refused with error 1', () => {
    const pair = new Pair()
    const statusOf = (): KeyStatus => {
      const request = headerOctets(120, 4, 0x07, [{ index: 0, user: 1 }])
      const [answer] = pair.inject(new Uint8Array([0xc1, 32, ...request]))
      return KEY_STATUS.decode(decodeObjects(decodeFragment(answer!).headers[0]!)[0]!.value as Uint8Array)
    }
    const change = (status: KeyStatus, answered: KeyStatus): Uint8Array => {
      const keys = { control: new Uint8Array(16), monitor: new Uint8Array(16) }
      const wrapped = wrapSessionKeys(KEY, keys, statusBody(status))
      const object = KEY_CHANGE.encode({ ksq: answered.ksq, user: 1, wrapped })
      return pair.inject(new Uint8Array([0xc2, 32, ...sizedOctets(120, 6, object)]))[0]!
    }
    const old = statusOf()
    const now = statusOf()
    expect(errorOf(change(old, now))).to.equal(1)
    const again = statusOf()
    expect(errorOf(change(again, again))).to.equal(undefined)
  })

  it('unknown users get error 11; roles that may not, and roles that have expired, error 7', () => {
    const pair = new Pair({ users: [{ number: 1, name: 'bob', role: 0, updateKey: KEY }] })
    expect(
      errorOf(pair.inject(new Uint8Array([0xc5, 32, ...headerOctets(120, 4, 0x07, [{ index: 0, user: 9 }])]))[0]),
    ).to.equal(11)
    expect(failed(pair.operate())).to.deep.equal({ error: 7 })
    expect(pair.security.statistic(STATISTIC.AUTHORIZATION_FAILURES)).to.equal(1)
    const user = { number: 1, name: 'bob', role: 32_768, updateKey: KEY, expires: 1_800_000_001_000 }
    const expiring = new Pair({ users: [user] })
    expect(expiring.operate()?.ok).to.equal(true)
    expiring.advance(1000)
    expect(failed(expiring.operate())).to.deep.equal({ error: 7 })
  })

  it('a command without an answer is challenged, too', () => {
    const pair = new Pair()
    const code = 6
    pair.run(function* () {
      yield { function: code, objects: LATCH_ON, noResponse: true }
    })
    expect(pair.operated).to.equal(1)
    expect(pair.security.statistic(STATISTIC.AUTHENTICATED)).to.equal(1)
  })

  it('a key change for an old key status, or again for the same one: error 11, and the keys stay what they are', () => {
    const pair = new Pair()
    const change = pair.fromMaster.find((fragment) => fragment[1] === 32 && fragment[3] === 6)!
    const failures = pair.security.statistic(STATISTIC.FAILED_KEY_CHANGES)
    expect(errorOf(pair.inject(change)[0])).to.equal(11)
    expect(pair.security.statistic(STATISTIC.FAILED_KEY_CHANGES)).to.equal(failures + 1)
    expect(pair.operate()?.ok).to.equal(true)
  })

  it('session keys run out by time and by use; the master gets new ones', () => {
    const pair = new Pair({ keyUses: 3 }, { keyUses: 1000 })
    for (let i = 0; i < 3; i++) expect(pair.operate()?.ok).to.equal(true)
    expect(failed(pair.operate())).to.deep.equal({ error: 1 })
    expect(pair.operate()?.ok).to.equal(true)
    const early = new Pair({}, { keyUses: 2 })
    for (let i = 0; i < 6; i++) expect(early.operate()?.ok).to.equal(true)
    expect(early.security.statistic(STATISTIC.KEY_CHANGES)).to.be.above(2)
    const old = new Pair({ keyLifetime: 1000 }, { keyLifetime: 500 })
    old.advance(600)
    expect(old.security.statistic(STATISTIC.KEY_CHANGES)).to.equal(2)
  })

  it('aggressive mode: no challenge after the first; a changed octet, a repeat or an old number is refused', () => {
    const pair = new Pair({}, { aggressive: true })
    expect(pair.operate()?.ok).to.equal(true)
    const before = pair.fromMaster.length
    expect(pair.operate()?.ok).to.equal(true)
    expect(pair.fromMaster.length).to.equal(before + 1)
    const sent = pair.fromMaster.at(-1)!
    expect([sent[2], sent[3]]).to.deep.equal([120, 3])
    expect(errorOf(pair.inject(sent)[0])).to.equal(1)
    pair.tamper = (fragment) => {
      fragment[fragment.length - 30]! ^= 1
      return fragment
    }
    expect(pair.operate()?.ok).to.equal(false)
    const without = new Pair({ aggressive: false }, { aggressive: true })
    expect(without.operate()?.ok).to.equal(true)
    expect(failed(without.operate())).to.deep.equal({ error: 4 })
  })

  it('no more errors than allowed, and none in answer to an error', () => {
    const pair = new Pair({ maxErrors: 2 })
    const bad = new Uint8Array([0xc5, 32, ...headerOctets(120, 4, 0x07, [{ index: 0, user: 9 }])])
    expect([1, 2, 3, 4].map(() => pair.inject(bad).length)).to.deep.equal([1, 1, 0, 0])
    const error = SECURITY_ERROR.encode({
      sequence: 1,
      user: 1,
      association: 0,
      error: 1,
      time: 0,
      text: new Uint8Array(0),
    })
    expect(pair.inject(new Uint8Array([0xc5, 33, ...sizedOctets(120, 7, error)]))).to.be.empty
    expect(pair.security.statistic(STATISTIC.ERRORS_RECEIVED)).to.equal(1)
  })

  it('sequence numbers and users survive a restart', () => {
    let state: SecurityState | undefined
    const store = { load: () => state, save: (saved: SecurityState) => void (state = saved) }
    const first = new Pair({ store })
    first.operate()
    const { csq, ksq } = state!
    const second = new Pair({ store })
    second.operate()
    expect(state!.csq).to.equal(csq + 1)
    expect(state!.ksq).to.be.above(ksq)
  })

  it('statistics are points: g121 in class 0, g122 when their threshold is passed', () => {
    const pair = new Pair()
    const reply = pair.run(() => plainRequest(1, allOctets(121, 1)))
    expect(reply?.ok && decodeObjects(reply.value.fragments[0]!.headers[0]!)).to.have.length(18)
    for (let i = 0; i < 3; i++) pair.inject(new Uint8Array([0xc5, 32, 120, 99, 0x5b, 0]))
    const events = pair.run(() => plainRequest(1, allOctets(122, 0)))
    const values = events?.ok ? decodeObjects(events.value.fragments[0]!.headers[0]!) : []
    expect(values.map(({ index, value }) => [index, value])).to.deep.equal([[STATISTIC.UNEXPECTED, 3]])
  })

  for (const [method, octets, hash] of [
    [3, 16, 'sha1'],
    [4, 32, 'sha256'],
  ] as const) {
    it(`users and update keys by method ${method}: AES-${8 * octets} key wrap and HMAC-${hash} under the authority’s key`, () => {
      const authorityKey = new Uint8Array(octets).fill(9)
      const updateKey = new Uint8Array(octets).fill(3)
      const [userName, outstationName] = ['alice', 'outstation'].map((name) => new TextEncoder().encode(name))
      const pair = new Pair({ authorityKey })
      // Operation, SCS, role, expiry, length of the name, name: the certification by hand.
      const statement = Buffer.from(`01${'00000000'}${'0100'}${'6d01'}${'0500'}${toHex(userName!)}`, 'hex')
      const certification = createHmac(hash, authorityKey).update(statement).digest()
      const change = {
        operation: 1,
        scs: 0,
        role: 1,
        expiryDays: 365,
        userName: userName!,
        publicKey: new Uint8Array(0),
      }
      const source: UpdateKeySource = {
        method,
        userName: userName!,
        outstationName: outstationName!,
        seal: ({ outstationChallenge }) => ({
          updateKey,
          encrypted: encryptUpdateKey(authorityKey, userName!, updateKey, outstationChallenge),
        }),
      }
      const other = 7 - method
      pair.run(() => changeUserStatus({ ...change, method: other, certification }))
      expect(errorOf(pair.toMaster.at(-1))).to.equal(8)
      expect(pair.run(() => changeUserStatus({ ...change, method, certification }))?.ok).to.equal(true)
      const outcome = pair.run(() => changeUpdateKey(source, new Uint8Array(16).fill(1)))
      expect(outcome?.ok, String(failed(outcome))).to.equal(true)
      const { user } = (outcome as { value: { user: number } }).value
      expect(pair.security.users.get(user)).to.deep.include({ name: 'alice', role: 1 })
      expect(toHex(pair.security.users.get(user)!.updateKey)).to.equal(toHex(updateKey))
      // The outstation's proof (g120v15): user name, its challenge, the master's, KSQ, user number.
      const reply = pair.toMaster.find((fragment) => fragment[5] === 12)!
      const outstationChallenge = reply.subarray(10 + 8)
      const proof = createHmac(hash, updateKey)
        .update(Buffer.concat([userName!, outstationChallenge, new Uint8Array(16).fill(1)]))
        .update(Buffer.from([0, 0, 0, 0, user, 0]))
        .digest()
      expect(toHex(pair.toMaster.at(-1)!.subarray(10))).to.equal(toHex(proof))
    })
  }

  it('options that cannot be are refused', () => {
    expect(() => new Pair({ macAlgorithm: 6 })).to.throw(UsageError)
    expect(() => new Pair({ challengeLength: 3 })).to.throw(UsageError)
    expect(() => new Pair({ authorityKey: new Uint8Array(24) })).to.throw(UsageError)
    expect(() => new Pair({}, { updateKey: new Uint8Array(5) })).to.throw(UsageError)
  })
})

describe('post-quantum update keys', () => {
  const authority = SigningKey.generate('ML-DSA-65')
  const alice = SigningKey.generate('ML-DSA-65')
  const device = generateKemKeyPair('ML-KEM-768')
  const userName = new TextEncoder().encode('alice')
  const outstationName = new TextEncoder().encode('outstation')
  const change = { operation: 1, scs: 0, role: 1, expiryDays: 365, userName, publicKey: alice.publicKey.raw }
  const source = (signer = alice, deviceKey = device.publicKey): UpdateKeySource => ({
    method: PQ_METHOD,
    userName,
    outstationName,
    seal: (parts) => sealUpdateKey(signer, deviceKey, { ...parts, userName, outstationName }),
  })
  const pairFor = (): Pair => new Pair({ postQuantum: new PostQuantumAuthority(authority.publicKey, device) })

  it('in the protocol: a certified user, a key that only this outstation can open, and a control under it', () => {
    const pair = pairFor()
    expect(pair.run(() => changeUserStatus(certifyUser(authority, change)))?.ok).to.equal(true)
    const outcome = pair.run(() => changeUpdateKey(source(), new Uint8Array(32).fill(1)))
    expect(outcome?.ok, String(failed(outcome))).to.equal(true)
    const { user, updateKey } = (outcome as { value: { user: number; updateKey: Uint8Array } }).value
    expect(Buffer.from(pair.security.users.get(user)!.updateKey)).to.deep.equal(Buffer.from(updateKey))
    expect(pair.security.users.get(user)).to.include({ name: 'alice', role: 1 })
    expect(pair.security.statistic(STATISTIC.UPDATE_KEY_CHANGES)).to.equal(1)
  })

  it('an authority that is none, a user that did not sign, another device’s key, a replay: refused', () => {
    const pair = pairFor()
    const mallory = SigningKey.generate('ML-DSA-65')
    pair.run(() => changeUserStatus(certifyUser(mallory, change)))
    expect(pair.master.counters.errors).to.equal(1)
    const good = certifyUser(authority, change)
    expect(pair.run(() => changeUserStatus(good))?.ok).to.equal(true)
    // The same status change again: its sequence number has passed.
    pair.run(() => changeUserStatus(good))
    expect(pair.master.counters.errors).to.equal(2)
    for (const [signer, key] of [
      [mallory, device.publicKey],
      [alice, generateKemKeyPair('ML-KEM-768').publicKey],
    ] as const) {
      expect(pair.run(() => changeUpdateKey(source(signer, key), new Uint8Array(32).fill(1)))?.ok).to.equal(false)
    }
    expect(pair.security.statistic(STATISTIC.FAILED_UPDATE_KEY_CHANGES)).to.equal(1)
  })

  it('agreed elsewhere and installed on both sides, the standard goes on with it', () => {
    const pair = new Pair()
    const updateKey = new Uint8Array(32).fill(42)
    pair.security.users.install({ number: 1, name: 'bob', role: 32_768, updateKey }, pair.security)
    expect(pair.operate()?.ok).to.equal(false)
    pair.master.useUpdateKey(updateKey, pair.now)
    pair.settle()
    pair.advance(1)
    expect(pair.operate()?.ok).to.equal(true)
  })
})
