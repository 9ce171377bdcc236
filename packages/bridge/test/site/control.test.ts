import { DecodeError } from '@gridseal/wire'
import { decodeControl, encodeControl } from '#src/site/control.ts'
import type { ControlMessage } from '#src/site/control.ts'
import { encodeCbor } from '@gridseal/envelope'
import { expect } from 'chai'
import { mutations } from '../../../../test/support/mutate.ts'

const stream = new Uint8Array(16).fill(3)
const MESSAGES: readonly ControlMessage[] = [
  {
    kind: 'hello',
    version: 1,
    site: 's',
    incarnation: new Uint8Array(16),
    now: 1_700_000_000_000_000_000n,
    positions: [],
  },
  {
    kind: 'hello',
    version: 1,
    site: 's',
    incarnation: new Uint8Array(16),
    now: 1_700_000_000_000_000_000n,
    positions: [
      { class: 'live', stream, next: 7, created: 1_700_000_000_000_000_001n },
      { class: 'bulk', stream, next: 9, created: 1_700_000_000_000_000_002n },
    ],
  },
  { kind: 'ack', stream, number: 12 },
  { kind: 'kept', stream, treeSize: 4711 },
  { kind: 'credit', link: 'meter-1', connection: 3, total: 65536 },
  { kind: 'ask', now: 12n },
  { kind: 'clock', asked: 12n, now: 1_700_000_000_000_000_000n },
  { kind: 'position', checkpoint: Uint8Array.of(1, 2, 3) },
  { kind: 'again', class: 'urgent', position: { stream, next: 4, created: 1_700_000_000_000_000_003n } },
  { kind: 'again', class: 'live', position: undefined },
  { kind: 'succession', receipt: Uint8Array.of(4, 5) },
  { kind: 'join', group: stream, kem: 'ML-KEM-1024', publicKey: Uint8Array.of(6) },
  { kind: 'group-key', delivery: Uint8Array.of(7) },
]

describe('control messages between bridges', () => {
  for (const message of MESSAGES) {
    it(`carry ${message.kind}`, () => {
      expect(decodeControl(encodeControl(message))).to.deep.equal(message)
    })
  }

  it('survive every mutation: decoded or DecodeError', () => {
    for (const message of MESSAGES) {
      for (const bytes of mutations(encodeControl(message))) {
        try {
          decodeControl(bytes)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
        }
      }
    }
  })

  it('refuse what is none', () => {
    for (const value of [1, 'hello', ['hello'], ['ack', 1, 2], ['credit', 'l', -1, 2], ['nothing']]) {
      expect(() => decodeControl(encodeCbor(value as never))).to.throw(DecodeError)
    }
  })
})
