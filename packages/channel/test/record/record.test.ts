import { expect } from 'chai'
import fc from 'fast-check'
import { toHex } from '@gridseal/wire'
import { decodeContent, encodeAlert, encodeClose, encodeRekey, writeData } from '#src/record/content.ts'
import { epochKeys, nextSecret } from '#src/record/epoch.ts'
import { MAX_SEQUENCE, openRecord, sealContent } from '#src/record/record.ts'
import { RecordOpener } from '#src/record/opener.ts'
import { RecordSealer } from '#src/record/sealer.ts'
import { mutations } from '../../../../test/support/mutate.ts'
import { codeOf } from '../support/code-of.ts'
import { kdf, name, openTraffic } from '../support/second-implementation.ts'

const secret = (): Uint8Array => new Uint8Array(32).fill(0x5a)
const UNLIMITED = { records: 2 ** 24, bytes: 2 ** 34 }
const hello = Buffer.from('hello')

function encodeData(port: number, message: Uint8Array): Uint8Array {
  const content = new Uint8Array(3 + message.length)
  writeData(port, message, content)
  return content
}

describe('channel records', () => {
  it('has type, length and sequence number in clear, and nothing else', () => {
    const record = sealContent(epochKeys(secret(), 'AES-256-GCM'), 0x1_0000_0002, encodeData(0x0102, hello))
    expect(toHex(record.subarray(0, 13), ' ')).to.equal('10 00 00 00 20 00 00 00 01 00 00 00 02')
    expect(record).to.have.length(13 + 3 + 5 + 16)
  })

  it('is opened by a second implementation of the document', () => {
    for (const sequence of [0, 1, 255, 256, 0xffff_ffff, 0x1_0000_0000, MAX_SEQUENCE]) {
      const opened = openTraffic(
        secret(),
        sealContent(epochKeys(secret(), 'AES-256-GCM'), sequence, encodeData(7, hello)),
      )
      expect([opened.sequence, toHex(opened.content)]).to.deep.equal([BigInt(sequence), '10000768656c6c6f'])
    }
  })

  it('opens what it seals, of any size and with any number', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000 }),
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (content, sequence, key) => {
          const keys = epochKeys(key, 'AES-256-GCM')
          expect(openRecord(keys, sequence, sealContent(keys, sequence, content))).to.deep.equal(content)
        },
      ),
    )
  })

  it('never uses a nonce twice, and has other nonces and keys for each direction and epoch', () => {
    const sealer = new RecordSealer(secret(), 'AES-256-GCM', UNLIMITED)
    const sealed = Array.from({ length: 100 }, () => toHex(sealer.seal(hello).subarray(13)))
    expect(new Set(sealed).size).to.equal(100)
    const ivs = [secret(), new Uint8Array(32), nextSecret(secret())].map((value) =>
      toHex(epochKeys(value, 'AES-256-GCM').iv),
    )
    expect(new Set(ivs).size).to.equal(3)
    expect(ivs).not.to.include('00'.repeat(12))
  })

  it('refuses every mutation', () => {
    const keys = epochKeys(secret(), 'AES-256-GCM')
    const record = sealContent(keys, 5, encodeData(1, hello))
    for (const mutant of mutations(record)) {
      // The type says who gets a frame: with another it is not taken for a record at all.
      if (toHex(mutant.subarray(1)) === toHex(record.subarray(1))) continue
      expect(codeOf(() => openRecord(keys, 5, mutant))).to.match(/^channel\.record\.(auth|replay|gap|length)$/)
    }
  })

  it('ends when the sequence numbers are used up', () => {
    expect(codeOf(() => sealContent(epochKeys(secret(), 'AES-256-GCM'), MAX_SEQUENCE + 1, hello))).to.equal(
      'channel.record.exhausted',
    )
  })
})

describe('channel record order', () => {
  const sealed = (count: number): Uint8Array[] => {
    const sealer = new RecordSealer(secret(), 'AES-256-GCM', UNLIMITED)
    return Array.from({ length: count }, (_, index) => sealer.seal(encodeData(index, hello)))
  }

  it('opens records in order', () => {
    const opener = new RecordOpener(secret(), 'AES-256-GCM')
    for (const record of sealed(5)) opener.open(record)
  })

  it('refuses a record that comes again, one that is missing, and two exchanged', () => {
    const [first, second, third] = sealed(3)
    const opener = new RecordOpener(secret(), 'AES-256-GCM')
    opener.open(first!)
    expect(codeOf(() => opener.open(first!))).to.equal('channel.record.replay')
    expect(codeOf(() => opener.open(third!))).to.equal('channel.record.gap')
    opener.open(second!)
    expect(codeOf(() => opener.open(first!))).to.equal('channel.record.replay')
  })

  it('refuses a record whose number was changed to the one that is expected', () => {
    const [first] = sealed(1)
    const opener = new RecordOpener(secret(), 'AES-256-GCM')
    opener.open(first!)
    const forged = first!.slice()
    forged[12] = 1
    expect(codeOf(() => opener.open(forged))).to.equal('channel.record.auth')
  })

  it('refuses a number near 2^64', () => {
    const [first] = sealed(1)
    first!.fill(0xff, 5, 13)
    expect(codeOf(() => new RecordOpener(secret(), 'AES-256-GCM').open(first!))).to.equal('channel.record.gap')
  })
})

describe('channel epochs', () => {
  it('is due after the limit of records, and after the limit of bytes', () => {
    const byRecords = new RecordSealer(secret(), 'AES-256-GCM', { records: 3, bytes: 1000 })
    const dueAfter = (sealer: RecordSealer, size: number): number => {
      let count = 0
      for (; !sealer.due; count++) sealer.seal(new Uint8Array(size))
      return count
    }
    expect(dueAfter(byRecords, 1)).to.equal(3)
    byRecords.rekey()
    expect(dueAfter(byRecords, 1)).to.equal(3)
    expect(dueAfter(new RecordSealer(secret(), 'AES-256-GCM', { records: 1000, bytes: 100 }), 30)).to.equal(4)
  })

  it('continues the sequence numbers under the next key, as the document says', () => {
    const sealer = new RecordSealer(secret(), 'AES-256-GCM', UNLIMITED)
    const [before, rekey, after] = [sealer.seal(hello), sealer.rekey(), sealer.seal(hello)]
    const next = kdf(name('next secret'), [secret()], 32)
    expect(openTraffic(secret(), before).sequence).to.equal(0n)
    expect([openTraffic(secret(), rekey).sequence, toHex(openTraffic(secret(), rekey).content)]).to.deep.equal([
      1n,
      '11',
    ])
    expect([openTraffic(next, after).sequence, toHex(openTraffic(next, after).content)]).to.deep.equal([
      2n,
      toHex(hello),
    ])
    expect(() => openTraffic(secret(), after)).to.throw()
  })

  it('refuses the last record of an epoch in the next one, and the first of the next one too early', () => {
    const sealer = new RecordSealer(secret(), 'AES-256-GCM', UNLIMITED)
    const [last, rekey, first] = [sealer.seal(hello), sealer.rekey(), sealer.seal(hello)]
    const opener = new RecordOpener(secret(), 'AES-256-GCM')
    opener.open(last)
    expect(codeOf(() => opener.open(first))).to.equal('channel.record.gap')
    opener.open(rekey)
    expect(codeOf(() => opener.open(first))).to.equal('channel.record.auth')
    opener.rekey()
    expect(codeOf(() => opener.open(last))).to.equal('channel.record.replay')
    expect(toHex(opener.open(first))).to.equal(toHex(hello))
  })

  it('overwrites the secret of an epoch that is over', () => {
    const first = secret()
    new RecordSealer(first, 'AES-256-GCM', UNLIMITED).rekey()
    expect(first).to.deep.equal(new Uint8Array(32))
    const wiped = secret()
    new RecordOpener(wiped, 'AES-256-GCM').wipe()
    expect(wiped).to.deep.equal(new Uint8Array(32))
  })
})

describe('channel record contents', () => {
  it('data: kind, port, message', () => {
    expect(toHex(encodeData(0xfffe, hello), ' ')).to.equal('10 ff fe 68 65 6c 6c 6f')
    expect(decodeContent(encodeData(0xfffe, hello))).to.deep.equal({
      kind: 'data',
      port: 0xfffe,
      bytes: new Uint8Array(hello),
    })
    expect(decodeContent(encodeData(0, new Uint8Array(0)))).to.deep.equal({
      kind: 'data',
      port: 0,
      bytes: new Uint8Array(0),
    })
  })

  it('rekey, close, alert', () => {
    expect([encodeRekey(), encodeClose(), encodeAlert(2)].map((bytes) => toHex(bytes))).to.deep.equal([
      '11',
      '12',
      '1302',
    ])
    expect([encodeRekey(), encodeClose(), encodeAlert(2)].map(decodeContent)).to.deep.equal([
      { kind: 'rekey' },
      { kind: 'close' },
      { kind: 'alert', code: 2 },
    ])
  })

  it('refuses nothing at all, unknown kinds, those of the handshake, and wrong lengths', () => {
    for (const content of [
      [],
      [0x00],
      [0x01, 0, 0],
      [0x02],
      [0x10],
      [0x10, 0],
      [0x11, 0],
      [0x12, 0],
      [0x13],
      [0x13, 1, 0],
      [0xff],
    ]) {
      expect(
        codeOf(() => decodeContent(Uint8Array.from(content))),
        content.join(),
      ).to.equal('channel.content')
    }
  })
})
