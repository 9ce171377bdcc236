import { createDecipheriv } from 'node:crypto'
import { expect } from 'chai'
import { randomBytes } from '@gridseal/pqc'
import { encapsulateTo } from '#src/handshake/kem.ts'
import { SUITES } from '#src/handshake/suites.ts'
import { DatagramRecords, EPOCH_GRACE } from '#src/datagram/records.ts'
import type { DatagramRecordSettings } from '#src/datagram/records.ts'
import { decodeContent } from '#src/record/content.ts'
import { codeOf } from '../support/code-of.ts'
import { kdf, name } from '../support/second-implementation.ts'
import { sessionsOf } from '../support/sessions.ts'

const SETTINGS: DatagramRecordSettings = {
  ordering: 'window',
  epoch: { records: 1000, bytes: 2 ** 20 },
  rekey: { records: 500, bytes: 2 ** 19 },
  padding: 0,
  mtu: 2000,
  remote: 0x01020304,
  random: randomBytes,
  encapsulate: encapsulateTo,
}
const CONTENT = Uint8Array.of(0x10, 0, 1, 42)

function recordsPair(
  changes: Partial<DatagramRecordSettings> = {},
  i: Uint8Array = randomBytes(32),
): {
  readonly a: DatagramRecords
  readonly b: DatagramRecords
} {
  const suite = SUITES.find(({ kem }) => kem === 'X-Wing')!
  const { initiator, responder } = sessionsOf(suite, i)
  const settings = { ...SETTINGS, ...changes }
  return { a: new DatagramRecords(initiator, settings), b: new DatagramRecords(responder, settings) }
}

/** Both ends get fresh keys; `a` asks. */
function rekeyed(a: DatagramRecords, b: DatagramRecords): void {
  const request = decodeContent(a.ask()!)
  if (request.kind !== 'rekeyRequest') throw new Error(request.kind)
  const answer = decodeContent(b.take(request).answer!)
  if (answer.kind !== 'rekeyAnswer') throw new Error(answer.kind)
  a.take(answer)
}

describe('channel over datagrams: records', () => {
  it('are 22 || epoch || receiver || sequence u64 || ciphertext || tag', () => {
    const { a, b } = recordsPair()
    a.seal(CONTENT)
    const record = a.seal(CONTENT)
    expect([...record.subarray(0, 14)]).to.deep.equal([0x22, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 1])
    expect(record.length).to.equal(14 + CONTENT.length + 16)
    expect(b.open(record, 0)).to.deep.equal({ content: CONTENT, sequence: 1, newest: true })
  })

  it('are what a second implementation opens, from the document and node:crypto alone', () => {
    const secret = randomBytes(32)
    const [records, derived] = [recordsPair({}, secret).a, kdf(name('record keys'), [secret], 44)]
    records.seal(CONTENT)
    const bytes = Buffer.from(records.seal(CONTENT))
    const nonce = Buffer.from(derived.subarray(32))
    for (let at = 0; at < 8; at++) nonce[4 + at]! ^= bytes[6 + at]!
    const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), nonce, { authTagLength: 16 })
    decipher.setAAD(bytes.subarray(0, 14)).setAuthTag(bytes.subarray(-16))
    const content = Buffer.concat([decipher.update(bytes.subarray(14, -16)), decipher.final()])
    expect([...content]).to.deep.equal([...CONTENT])
  })

  it('are taken once, in any order, at most 1,024 behind the newest', () => {
    const { a, b } = recordsPair({ epoch: { records: 2000, bytes: 2 ** 20 } })
    const records = Array.from({ length: 1030 }, () => a.seal(CONTENT))
    b.open(records[1029]!, 0)
    expect(b.open(records[6]!, 0).newest).to.equal(false)
    expect(codeOf(() => b.open(records[6]!, 0))).to.equal('channel.record.replay')
    expect(codeOf(() => b.open(records[1029]!, 0))).to.equal('channel.record.replay')
    expect(codeOf(() => b.open(records[5]!, 0))).to.equal('channel.record.old')
    for (let n = 7; n < 1029; n++) b.open(records[n]!, 0)
    expect(b.missing).to.equal(6)
  })

  it('that are replayed are refused before they are decrypted, and a forged number moves nothing', () => {
    const { a, b } = recordsPair()
    const [first, second] = [a.seal(CONTENT), a.seal(CONTENT)]
    b.open(first, 0)
    const forged = first.slice()
    forged.fill(0, 14)
    expect(
      codeOf(() => b.open(forged, 0)),
      'not even looked at',
    ).to.equal('channel.record.replay')
    const ahead = second.slice()
    ahead[11] = 0xff
    expect(codeOf(() => b.open(ahead, 0))).to.equal('channel.record.auth')
    expect(b.open(second, 0).newest).to.equal(true)
  })

  it('of which anything was changed, cut off or reflected are refused, and nothing has changed', () => {
    const { a, b } = recordsPair()
    const record = a.seal(CONTENT)
    for (let at = 0; at < record.length; at++) {
      // The first byte is what led here; the connection id was looked up.
      const changed = record.slice()
      changed[at]! ^= 0x80
      expect(codeOf(() => b.open(changed, 0))).to.match(/^channel\.record\.(auth|epoch|old)$/)
      expect(codeOf(() => b.open(record.subarray(0, at), 0))).to.match(/^channel\.record\.(auth|length)$/)
    }
    expect(
      codeOf(() => a.open(record, 0)),
      'reflected',
    ).to.equal('channel.record.auth')
    expect(
      codeOf(() => recordsPair().b.open(record, 0)),
      'another session',
    ).to.equal('channel.record.auth')
    expect(b.open(record, 0).sequence).to.equal(0)
  })

  it('greater than last: what is not newer than the newest is refused', () => {
    const { a, b } = recordsPair({ ordering: 'greater-than-last' })
    const [first, second, third] = [a.seal(CONTENT), a.seal(CONTENT), a.seal(CONTENT)]
    b.open(second, 0)
    expect(codeOf(() => b.open(first, 0))).to.equal('channel.record.replay')
    b.open(third, 0)
    expect(b.missing).to.equal(1)
  })

  it('fresh keys: numbers and the replay window go on; who answered sends under its key when the peer does', () => {
    const { a, b } = recordsPair()
    const before = [a.seal(CONTENT), a.seal(CONTENT)]
    const fromB = b.seal(CONTENT)
    b.open(before[1]!, 0)
    rekeyed(a, b)
    expect(b.seal(CONTENT)[1], 'not before a has shown that it has the keys').to.equal(0)
    const after = a.seal(CONTENT)
    expect([after[1], after[13]]).to.deep.equal([1, 2])
    b.open(after, 0)
    expect(b.seal(CONTENT)[1]).to.equal(1)
    for (const record of [before[1]!, after]) expect(codeOf(() => b.open(record, 1))).to.equal('channel.record.replay')
    expect(b.open(before[0]!, EPOCH_GRACE).sequence, 'the last epoch, late').to.equal(0)
    expect(a.open(fromB, EPOCH_GRACE).sequence).to.equal(0)
  })

  it('of the epoch before are refused 30 s after the first of the next one', () => {
    const { a, b } = recordsPair()
    const late = a.seal(CONTENT)
    rekeyed(a, b)
    b.open(a.seal(CONTENT), 1000)
    expect(codeOf(() => b.open(late, 1001 + EPOCH_GRACE))).to.equal('channel.record.epoch')
  })

  it('go through 600 fresh key agreements in both directions', () => {
    const { a, b } = recordsPair()
    for (let n = 0; n < 300; n++) {
      rekeyed(a, b)
      b.open(a.seal(CONTENT), n)
      a.open(b.seal(CONTENT), n)
      rekeyed(b, a)
      a.open(b.seal(CONTENT), n)
      b.open(a.seal(CONTENT), n)
    }
    expect(a.seal(CONTENT)[1]).to.equal(600 & 0xff)
  })

  it('both ask at once: the initiator wins', () => {
    const { a, b } = recordsPair()
    const [mine, theirs] = [decodeContent(a.ask()!), decodeContent(b.ask()!)]
    if (mine.kind !== 'rekeyRequest' || theirs.kind !== 'rekeyRequest') throw new Error('no requests')
    expect(a.take(theirs)).to.deep.equal({ answer: undefined, fresh: false })
    const answer = decodeContent(b.take(mine).answer!)
    if (answer.kind !== 'rekeyAnswer') throw new Error(answer.kind)
    a.take(answer)
    b.open(a.seal(CONTENT), 0)
    expect(a.open(b.seal(CONTENT), 0).content).to.deep.equal(CONTENT)
  })

  it('a key that is used up ends the session; a fresh one is due long before', () => {
    const { a, b } = recordsPair({ epoch: { records: 10, bytes: 2 ** 20 }, rekey: { records: 5, bytes: 2 ** 19 } })
    for (let n = 0; n < 10; n++) {
      expect(a.due).to.equal(n >= 5)
      a.seal(CONTENT)
    }
    expect(codeOf(() => a.seal(CONTENT))).to.equal('channel.epoch.exhausted')
    rekeyed(a, b)
    b.open(a.seal(CONTENT), 0)
    expect(a.due).to.equal(false)
  })

  it('padding makes contents of many lengths look alike, never longer than a packet', () => {
    const { a, b } = recordsPair({ padding: 64, mtu: 256 })
    const lengths = new Set(Array.from({ length: 50 }, (_, n) => a.seal(new Uint8Array(n + 4)).length))
    expect([...lengths]).to.deep.equal([14 + 64 + 16])
    expect(a.seal(new Uint8Array(a.room)).length).to.equal(256)
    expect(b.open(a.seal(CONTENT), 0).content[0]).to.equal(0x18)
  })
})
