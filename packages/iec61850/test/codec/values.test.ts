import { expect } from 'chai'
import fc from 'fast-check'
import {
  QUALITY_FLAGS,
  VALIDITIES,
  bitText,
  bitsFrom,
  decodeSample,
  decodeUtcTime,
  encodeQuality,
  encodeSample,
  encodeSampleQuality,
  encodeUtcTime,
  formatMac,
  parseMac,
  qualityOf,
  sampleQualityOf,
  timeQualityOctet,
  timeQualityOf,
  utcNanoseconds,
  utcText,
  utcTimeOf,
  vlanOf,
  vlanTag,
} from '@gridseal/iec61850'
import { UsageError, fromHex, toHex } from '@gridseal/wire'

const anyQuality = fc.record({ validity: fc.constantFrom(...VALIDITIES), flags: fc.subarray([...QUALITY_FLAGS]) })

describe('Quality (IEC 61850-7-3 6.2.1)', () => {
  it('has its validity in bits 0 and 1', () => {
    expect(qualityOf(bitsFrom('0000000000000'))).to.deep.equal({ validity: 'good', flags: [] })
    expect(qualityOf(bitsFrom('0100000000000')).validity).to.equal('invalid')
    expect(qualityOf(bitsFrom('1100000000000')).validity).to.equal('questionable')
    expect(toHex(encodeQuality({ validity: 'invalid', flags: [] }).bytes)).to.equal('4000')
  })

  it('has test in bit 11 and operatorBlocked in bit 12', () => {
    expect(qualityOf(bitsFrom('0000000000010')).flags).to.deep.equal(['test'])
    expect(qualityOf(bitsFrom('0000000000001')).flags).to.deep.equal(['operatorBlocked'])
  })

  it('counts bits as powers of two in sampled values: invalid is 2, questionable 3, derived bit 13', () => {
    expect(sampleQualityOf(2).validity).to.equal('invalid')
    expect(sampleQualityOf(3).validity).to.equal('questionable')
    expect(sampleQualityOf(0x2800)).to.deep.equal({ validity: 'good', flags: ['test'], derived: true })
  })

  it('reads what it writes, both ways', () => {
    fc.assert(
      fc.property(anyQuality, fc.boolean(), (quality, derived) => {
        expect(qualityOf(encodeQuality(quality))).to.deep.equal(quality)
        const sampled = { ...quality, derived }
        expect(sampleQualityOf(encodeSampleQuality(sampled))).to.deep.equal(sampled)
      }),
    )
  })
})

describe('UTC time (IEC 61850-8-1 8.1.3.6)', () => {
  it('is seconds, a binary fraction and a quality', () => {
    const time = decodeUtcTime(fromHex('386ebbf34217280a'))
    expect(utcText(time)).to.equal('2000-01-02T02:46:11.258165836Z')
    expect(timeQualityOf(time.quality)).to.deep.equal({
      leapSecondsKnown: false,
      clockFailure: false,
      clockNotSynchronized: false,
      accuracy: 10,
    })
    expect(toHex(encodeUtcTime(time))).to.equal('386ebbf34217280a')
  })

  it('comes back from nanoseconds as it was', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xff_ffff), fc.nat(0xff), (seconds, fraction, quality) => {
        const time = { seconds, fraction, quality }
        expect(utcTimeOf(utcNanoseconds(time), quality)).to.deep.equal(time)
      }),
    )
    expect(() => utcTimeOf(-1n, 0)).to.throw(UsageError)
    expect(() => utcTimeOf(2n ** 63n, 0)).to.throw(UsageError)
  })

  it('has a quality of flags and accuracy', () => {
    for (let octet = 0; octet < 256; octet++) {
      const quality = timeQualityOf(octet)
      const accuracy = (octet & 0x1f) > 24 ? 31 : octet & 0x1f
      expect(timeQualityOctet(quality)).to.equal((octet & 0xe0) | accuracy)
    }
  })
})

describe('a sample of 9-2LE', () => {
  it('is eight times value and quality, and reads as it was written', () => {
    const one = fc.record({
      steps: fc.integer(),
      quality: fc.record({
        validity: fc.constantFrom(...VALIDITIES),
        flags: fc.subarray([...QUALITY_FLAGS]),
        derived: fc.boolean(),
      }),
    })
    fc.assert(
      fc.property(fc.array(one, { minLength: 8, maxLength: 8 }), (values) => {
        expect(decodeSample(encodeSample(values))).to.deep.equal(values)
      }),
    )
    const quality = { validity: 'good' as const, flags: [], derived: false }
    expect(() => encodeSample([{ steps: 2 ** 31, quality }])).to.throw(UsageError)
  })
})

describe('bits and addresses', () => {
  it('are read and written as texts', () => {
    expect(bitText(bitsFrom('10'))).to.equal('10')
    expect(() => bitsFrom('12')).to.throw(UsageError)
    expect(formatMac(parseMac('01-0C-CD-01-00-01'))).to.equal('01:0c:cd:01:00:01')
    for (const text of ['', '01-0C-CD-01-00', '01-0C:CD-01-00-01', '01-0C-CD-01-00-0G']) {
      expect(() => parseMac(text), text).to.throw(UsageError)
    }
  })

  it('a VLAN tag has a priority and an identifier', () => {
    const ethernet = { destination: new Uint8Array(6), source: new Uint8Array(6), etherType: 0x88b8 }
    const tag = vlanTag({ id: 5, priority: 4 })
    expect(toHex(tag.control)).to.equal('8005')
    expect(vlanOf({ ...ethernet, tags: [tag] })).to.deep.equal({ id: 5, priority: 4, dropEligible: false })
    expect(vlanOf({ ...ethernet, tags: [] })).to.equal(undefined)
    expect(() => vlanTag({ id: 4096, priority: 0 })).to.throw(UsageError)
    expect(() => vlanTag({ id: 1, priority: 8 })).to.throw(UsageError)
  })
})
