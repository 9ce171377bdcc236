import { randomBytes } from '@gridseal/pqc'
import { memoryPair } from '@gridseal/transport'
import { expect } from 'chai'
import { Channel } from '#src/channel.ts'
import { freshPair } from '#src/handshake/kem.ts'
import { turnRatchet } from '#src/handshake/key-schedule.ts'
import type { Session } from '#src/handshake/machine.ts'
import { DEFAULT_SUITE } from '#src/handshake/suites.ts'
import { settleConnect } from '#src/options.ts'
import { decodeContent } from '#src/record/content.ts'
import { RecordSession } from '#src/record/record-session.ts'
import type { RecordSettings, RekeyContent } from '#src/record/record-session.ts'
import { FrameStream } from '#src/stream/frame-stream.ts'
import { CONNECT } from '../support/channel-pair.ts'
import { HEAD } from '../support/identities.ts'

const NOTHING = new Uint8Array(32)

function session(role: Session['role'] = 'initiator'): Session {
  return {
    role,
    peer: HEAD.publicKey,
    random: randomBytes(32),
    certificate: undefined,
    resumable: true,
    suite: DEFAULT_SUITE,
    resumed: false,
    authenticated: 0,
    peerMaxMessage: 1000,
    ticket: undefined,
    sendSecret: randomBytes(32),
    receiveSecret: randomBytes(32),
    ratchet: randomBytes(32),
    resumption: randomBytes(32),
  }
}

const secretsOf = ({ sendSecret, receiveSecret, ratchet, resumption }: Session): Uint8Array[] => [
  sendSecret,
  receiveSecret,
  ratchet,
  resumption,
]

function settings(): RecordSettings {
  const { epoch, rekey, random, encapsulate } = settleConnect(CONNECT)
  const padding = { multiple: 0, limit: 0 }
  return { epoch, rekey, padding, random, encapsulate, onRekeySent: () => undefined, onRekeyed: () => undefined }
}

describe('channel: the secrets of a session', () => {
  it('are overwritten when it ends, however it ends', async () => {
    for (const lost of [true, false]) {
      const [near, far] = memoryPair()
      far.data.subscribe()
      const own = session()
      const stream = new FrameStream(near, 100)
      stream.hold()
      const channel = new Channel(stream, { session: own, start: { earliest: 0, latest: 0 } }, settleConnect(CONNECT))
      channel.messages.subscribe()
      for (const secret of secretsOf(own)) expect(secret).not.to.deep.equal(NOTHING)
      if (lost) far.destroy()
      // No frame of a session: this end finds a fault.
      else far.write(new Uint8Array(5))
      await channel.closed
      for (const secret of secretsOf(own)) expect(secret).to.deep.equal(NOTHING)
    }
  })

  it('and those that an exchange has made but not used, are overwritten when it ends', () => {
    const made: Uint8Array[] = []
    const [a, b] = [session('initiator'), session('responder')]
    const records = new RecordSession(a, settings())
    const other = new RecordSession(b, {
      ...settings(),
      onSecrets: ({ initiator, responder, ratchet }) => made.push(initiator, responder, ratchet),
    })
    records.ask()
    const { request } = requestOf()
    other.take(request, true)
    expect(made).to.have.length(3)
    for (const each of [records, other]) each.wipe()
    for (const secret of [
      a.sendSecret,
      a.receiveSecret,
      a.ratchet,
      b.sendSecret,
      b.receiveSecret,
      b.ratchet,
      ...made,
    ]) {
      expect(secret).to.deep.equal(NOTHING)
    }
  })

  it('of one turn of the ratchet are overwritten with the next', () => {
    const [root, shared] = [randomBytes(32), randomBytes(32)]
    turnRatchet(root, shared, [])
    expect([root, shared]).to.deep.equal([NOTHING, NOTHING])
  })

  it('an end that has sent its close neither answers a request for fresh ones nor says that it has them', () => {
    const { request, share } = requestOf()
    const closed = new RecordSession(session('responder'), settings())
    expect(closed.take(request, false)).to.deep.equal([])
    const asked = new RecordSession(session('initiator'), settings())
    asked.ask()
    const { ciphertext } = settings().encapsulate(DEFAULT_SUITE.kem, share, 'responder')
    expect(asked.take({ kind: 'rekeyAnswer', ciphertext }, false)).to.deep.equal([])
  })
})

/** A request for fresh keys. */
function requestOf(): { readonly request: RekeyContent; readonly share: Uint8Array } {
  const share = freshPair(DEFAULT_SUITE.kem, randomBytes).publicKey
  const request = decodeContent(Uint8Array.of(0x15, ...share))
  if (request.kind !== 'rekeyRequest') throw new RangeError(request.kind)
  return { request, share }
}
