import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fromHex, toHex } from '@gridseal/wire'
import { SHARED_VECTORS, needFolder } from '../../../../../test/support/requirements.ts'
import { decodeFragment } from '#src/codec/application.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { KEY_CHANGE } from '#src/codec/security-objects.ts'
import { recordOf } from '#src/codec/record-table.ts'
import { Association } from '#src/session/master/association.ts'
import { Outbox } from '#src/session/outbox.ts'
import { DeviceClock } from '#src/session/outstation/clock.ts'
import { Database } from '#src/session/outstation/database.ts'
import { OutstationSession } from '#src/session/outstation/outstation-session.ts'
import { SimulatedOutputs } from '#src/session/outstation/simulated-outputs.ts'
import { unwrapKey } from '#src/session/security/algorithms.ts'
import { certification, encryptUpdateKey } from '#src/session/security/key-material.ts'
import { changeUpdateKey, changeUserStatus } from '#src/session/security/key-procedures.ts'
import { MasterAuthenticator } from '#src/session/security/master-authenticator.ts'
import { OutstationAuthenticator } from '#src/session/security/outstation-authenticator.ts'
import { plainRequest } from '#src/session/master/procedures.ts'

const FOLDER = join(SHARED_VECTORS, 'dnp3')

interface Message {
  readonly dir: 'M>O' | 'O>M'
  readonly function: number
  readonly apdu: string
  readonly objects?: readonly Readonly<Record<string, string | number>>[]
  readonly unwrapped?: { readonly controlKey?: string; readonly monitorKey?: string }
}
interface Run {
  readonly config: Readonly<Record<string, string | number>>
  readonly messages: readonly Message[]
}

function read(file: string): unknown {
  return existsSync(FOLDER) ? JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) : { runs: [], messages: [] }
}

/** Every octet that the recorded outstation drew at random, in order: the challenges it sent. */
function challengesOf(run: Run): Uint8Array[] {
  return run.messages
    .filter(({ dir }) => dir === 'O>M')
    .flatMap(({ objects = [] }) => objects)
    .flatMap((object) => object['challenge'] ?? object['outstationChallenge'] ?? [])
    .map((hex) => fromHex(String(hex)))
}

/** Hands out what was recorded, in order. */
function scripted(octets: Uint8Array[]): (length: number) => Uint8Array {
  return (length) => {
    const next = octets.shift()
    expect(next?.length, 'what is drawn').to.equal(length)
    return next!
  }
}

const MAC_CODE: Readonly<Record<string, number>> = { 'SHA1-10': 2, 'SHA256-8': 3, 'SHA256-16': 4, 'SHA1-8': 5 }

function macCode(name: unknown): number {
  const text = String(name)
  return Object.entries(MAC_CODE).find(([key]) => text.includes(key))?.[1] ?? 4
}

/** Replays what the recorded master sent into an outstation of ours, and compares what it answers, octet by octet. */
function replayOutstation(run: Run): {
  session: OutstationSession
  security: OutstationAuthenticator
  compared: number
} {
  const { config, messages } = run
  const sent: Uint8Array[] = []
  const outbox = new Outbox()
  const clock = new DeviceClock(0, 0)
  // The time of the recorded error message, the only one that is told.
  const told = messages.flatMap(({ objects = [] }) => objects).find((object) => object['time'] !== undefined)
  clock.set(Number(told?.['time'] ?? 0), 0)
  const points = ['binary-output', 'analog-output'].flatMap((kind) =>
    Array.from({ length: 10 }, (_, index) => ({ kind: kind as 'binary-output', index, class: 0 as const })),
  )
  const database = new Database(points, clock)
  let security: OutstationAuthenticator | undefined
  const outputs = new SimulatedOutputs(database)
  const session = new OutstationSession(
    { local: 10, remote: 1, keepAlive: 0, unsolicited: {} },
    {
      database,
      outbox,
      handler: { command: (...command) => outputs.command(...command) },
      security: (owner) =>
        (security = new OutstationAuthenticator(
          {
            users: [{ number: 1, name: 'bob', role: 32_768, updateKey: fromHex(String(config['user1UpdateKey'])) }],
            ...(config['authorityKey'] !== undefined && { authorityKey: fromHex(String(config['authorityKey'])) }),
            name: String(config['outstationName'] ?? 'outstation'),
            macAlgorithm: macCode(config['macAlgorithm']),
            challengeLength: Number(config['challengeOctets']),
            statisticsClass: 0,
            random: scripted(challengesOf(run)),
          },
          owner,
        )),
    },
  )
  session.link.send = (fragment) => void sent.push(fragment)
  session.opened(0)
  let compared = 0
  for (const { dir, apdu, function: code } of messages) {
    if (dir === 'M>O') session.fragmentReceived(fromHex(apdu), { source: 1, broadcast: undefined }, 0)
    else {
      const at = sent.findIndex((fragment) => (fragment[1] === 130) === (code === 130))
      const [ours] = at < 0 ? [] : sent.splice(at, 1)
      // Of a poll, the points are the recorded device's own; its internal indications are not.
      const length = apdu.length > 200 && code === 129 ? 8 : apdu.length
      if (code === 129 && length === 8)
        expect(toHex(ours!).slice(0, 4)).to.equal(apdu.slice(0, 4).replace(/^c/, toHex(ours!)[0]!))
      else expect(toHex(ours ?? new Uint8Array(0)), apdu).to.equal(apdu)
      compared++
    }
  }
  return { session, security: security!, compared }
}

describe('SAv5 against recorded traffic', () => {
  before(function () {
    needFolder(this, FOLDER)
  })

  const session = read('sav5-session.json') as Run
  const { runs } = read('sav5-update-key-change.json') as { runs: readonly Run[] }
  const other = read('sav5-thirdparty.json') as Run

  it('our outstation answers the recorded master as the recorded outstation did, octet by octet', () => {
    const { compared, security } = replayOutstation(session)
    expect(compared).to.be.above(10)
    const replies = session.messages.flatMap(({ objects = [] }) => objects).filter(({ gv }) => gv === 'g120v2')
    expect(security.statistic(12)).to.equal(replies.length)
    expect(security.statistic(13)).to.equal(1)
  })

  for (const [i, run] of runs.entries()) {
    it(`users and update keys over the wire, ${String(run.config['macAlgorithm'])}, run ${i + 1}`, () => {
      const { compared, security } = replayOutstation(run)
      expect(compared).to.be.above(12)
      expect(security.statistic(15)).to.equal(1)
      expect(security.statistic(10)).to.equal(1)
      expect(security.users.byName('alice')).to.equal(undefined)
    })
  }

  it('our master sends what the recorded master sent: keys, replies, users, update keys', () => {
    for (const run of [session, ...runs, other])
      expect(replayMaster(run), String(run.config['macAlgorithm'])).to.be.above(2)
  })
})

/** Replays what the recorded outstation sent into a master of ours; what it drew at random is what was recorded. */
function replayMaster(run: Run): number {
  const { messages, config } = run
  const drawn = messages.flatMap(({ unwrapped }) =>
    [unwrapped?.controlKey, unwrapped?.monitorKey].flatMap((key) => (key === undefined ? [] : fromHex(key))),
  )
  // The recorded third party fills up with octets of its own; ours are zeros.
  const foreignPadding = config['authorityKey'] === undefined && run.messages[0]?.apdu.startsWith('c1') === true
  const sent: Uint8Array[] = []
  let master: MasterAuthenticator | undefined
  const association = new Association(
    { local: 1, remote: 10, keepAlive: 0, integrity: [], unsolicited: [], disableUnsolicited: false },
    {
      outbox: new Outbox(),
      utc: () => 0,
      security: (owner) =>
        (master = new MasterAuthenticator(
          {
            updateKey: fromHex(String(config['user1UpdateKey'])),
            macAlgorithms: [2, 3, 4, 5],
            random: scripted(drawn),
          },
          owner,
        )),
    },
  )
  association.link.send = (fragment) => void sent.push(fragment)
  association.opened(0)
  void master
  const [first] = messages.filter(({ dir, function: code }) => dir === 'M>O' && code === 32)
  // Sequence numbers are the recorded master's.
  while ((association.sendRequest(0xff, undefined, 0) & 0x0f) !== ((Number.parseInt(first!.apdu[1]!, 16) + 15) & 0x0f));
  sent.length = 0
  let compared = 0
  const begin = (): void => {
    const next = association.next(0)
    if (next !== undefined) association.begin(next.task, 0)
  }
  for (const { dir, apdu, function: code, objects = [] } of messages.slice(0, 12)) {
    if (code === 130 || code === 0) continue
    if (dir === 'O>M') {
      association.fragmentReceived(fromHex(apdu), { source: 10, broadcast: undefined }, 0)
      continue
    }
    const [object] = objects
    if (code !== 32)
      association.submit(
        'recorded',
        () => plainRequest(code, fromHex(apdu.slice(4))),
        () => undefined,
        0,
      )
    else if (object?.['gv'] === 'g120v10' && object['operation'] === 1) {
      const change = recordOf(120, 10)!.decode(valueOf(apdu)) as never
      association.submit(
        'user',
        () => changeUserStatus(change),
        () => undefined,
        0,
      )
      expect(toHex(certification(fromHex(String(config['authorityKey'])), change))).to.equal(object['certification'])
    } else if (object?.['gv'] === 'g120v11') {
      const key = newUpdateKey(run)
      const userName = new TextEncoder().encode(String(config['newUserName']))
      const authority = fromHex(String(config['authorityKey']))
      const source = {
        method: 4,
        userName,
        outstationName: new TextEncoder().encode(String(config['outstationName'])),
        seal: ({ outstationChallenge }: { outstationChallenge: Uint8Array }) => ({
          updateKey: key,
          encrypted: encryptUpdateKey(authority, userName, key, outstationChallenge),
        }),
      }
      const challenge = fromHex(String(object['masterChallenge']))
      association.submit(
        'update key',
        () => changeUpdateKey(source, challenge),
        () => undefined,
        0,
      )
    }
    begin()
    const ours = sent.shift()
    if (foreignPadding && object?.['gv'] === 'g120v6') {
      const { ksq, user } = KEY_CHANGE.decode(valueOf(toHex(ours!)))
      expect([ksq, user]).to.deep.equal([object['ksq'], object['user']])
      return compared + 3
    }
    expect(toHex(ours ?? new Uint8Array(0)), `${code} ${apdu.slice(0, 20)}`).to.equal(apdu)
    compared++
  }
  return compared
}

function valueOf(apdu: string): Uint8Array {
  const [header] = decodeFragment(fromHex(apdu)).headers
  return decodeObjects(header!)[0]!.value as Uint8Array
}

/** The update key that the recording changes to, unwrapped from its g120v13. */
function newUpdateKey(run: Run): Uint8Array {
  const message = run.messages.find(({ objects }) => objects?.[0]?.['gv'] === 'g120v13')
  const encrypted = fromHex(String(message!.objects![0]!['encrypted']))
  const plain = unwrapKey(fromHex(String(run.config['authorityKey'])), encrypted)!
  return plain.slice(5, 37)
}
