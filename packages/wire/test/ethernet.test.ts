import { expect } from 'chai'
import { UsageError, formatMac, parseMac } from '@gridseal/wire'

describe('MAC addresses', () => {
  it('are read with hyphens or colons, and written with colons', () => {
    const octets = Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, 0x00, 0xff)
    for (const text of ['01-0C-CD-01-00-FF', '01:0c:cd:01:00:ff'])
      expect(parseMac(text, 'test.mac')).to.deep.equal(octets)
    expect(formatMac(octets)).to.equal('01:0c:cd:01:00:ff')
  })

  it('of any other form are refused with the code of who asks', () => {
    for (const text of ['', '01-0C-CD-01-00', '01-0C:CD-01-00-01', '01-0C-CD-01-00-0G', '01-0C-CD-01-00-01-02']) {
      expect(() => parseMac(text, 'test.mac'), text)
        .to.throw(UsageError)
        .with.property('code', 'test.mac')
    }
  })
})
