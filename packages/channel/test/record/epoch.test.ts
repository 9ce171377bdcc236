import { expect } from 'chai'
import { Epoch, epochKeys, nextSecret } from '#src/record/epoch.ts'
import { RecordOpener } from '#src/record/opener.ts'
import { RecordSealer } from '#src/record/sealer.ts'
import { toHex } from '@gridseal/wire'
import { codeOf } from '../support/code-of.ts'

const CIPHER = 'AES-256-GCM'
const LIMITS = { records: 100, bytes: 100_000 }
const WIPED = 'channel.record.wiped'
const secret = (fill = 0x5a): Uint8Array => new Uint8Array(32).fill(fill)
const ivOf = (of: Uint8Array): string => toHex(epochKeys(of, CIPHER).iv)

describe('channel: the epoch of a direction', () => {
  it('has the keys of its secret, whenever they are asked for, and makes them once', () => {
    const epoch = new Epoch(secret(), CIPHER)
    const { keys } = epoch
    expect(toHex(keys.iv)).to.equal(ivOf(secret()))
    expect(epoch.keys).to.equal(keys)
  })

  it('overwrites its secret when the next one begins, whether or not its keys were ever needed', () => {
    for (const used of [true, false]) {
      const first = secret()
      const epoch = new Epoch(first, CIPHER)
      if (used) void epoch.keys
      epoch.next()
      expect(toHex(first)).to.equal('00'.repeat(32))
      expect(toHex(epoch.keys.iv)).to.equal(ivOf(nextSecret(secret())))
    }
  })

  it('goes on with a secret that was agreed on, and overwrites the one before', () => {
    const first = secret()
    const epoch = new Epoch(first, CIPHER)
    void epoch.keys
    epoch.replace(secret(0x11))
    expect(toHex(first)).to.equal('00'.repeat(32))
    expect(toHex(epoch.keys.iv)).to.equal(ivOf(secret(0x11)))
  })

  it('never makes keys of a secret that has been overwritten: nothing is sealed or opened any more', () => {
    for (const used of [true, false]) {
      const [theirs, ours] = [secret(), secret()]
      const sealer = new RecordSealer(ours, CIPHER, LIMITS)
      const opener = new RecordOpener(theirs, CIPHER)
      const record = new RecordSealer(secret(), CIPHER, LIMITS).seal(Uint8Array.of(0x12))
      if (used) {
        sealer.seal(Uint8Array.of(0x12))
        opener.open(record)
      }
      sealer.wipe()
      opener.wipe()
      expect([toHex(theirs), toHex(ours)]).to.deep.equal(['00'.repeat(32), '00'.repeat(32)])
      const attempts = [
        () => sealer.seal(Uint8Array.of(0x12)),
        () => sealer.begin(),
        () => sealer.rekey(),
        () => opener.open(record),
        () => opener.rekey(),
      ]
      expect(attempts.map((attempt) => codeOf(attempt))).to.deep.equal(attempts.map(() => WIPED))
    }
  })
})
