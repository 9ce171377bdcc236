import { expect } from 'chai'
import { Policy, kmac256, setPolicy } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i)
const DATA = Uint8Array.of(0, 1, 2, 3)
const CUSTOMIZATION = new TextEncoder().encode('My Tagged Application')

describe('KMAC256 (SP 800-185)', () => {
  it('gives sample 4, with a customization string', () => {
    expect(toHex(kmac256(KEY, DATA, 64, { customization: CUSTOMIZATION }))).to.equal(
      '20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7' +
        'f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd',
    )
  })

  it('differs by length, key and customization: one output is not the beginning of another', () => {
    const long = toHex(kmac256(KEY, DATA, 64, { customization: CUSTOMIZATION }))
    expect(long.startsWith(toHex(kmac256(KEY, DATA, 32, { customization: CUSTOMIZATION })))).to.equal(false)
    expect(toHex(kmac256(KEY, DATA, 64))).not.to.equal(long)
    expect(toHex(kmac256(KEY.subarray(1), DATA, 64, { customization: CUSTOMIZATION }))).not.to.equal(long)
  })

  it('takes keys that OpenSSL does not, but not in FIPS mode', () => {
    const short = KEY.subarray(0, 3)
    expect(kmac256(short, DATA, 32)).to.have.length(32)
    const before = setPolicy(new Policy({ fips: true }))
    try {
      expect(() => kmac256(short, DATA, 32))
        .to.throw(UsageError)
        .with.property('code', 'pqc.algorithm.unsupported')
    } finally {
      setPolicy(before)
    }
  })
})
