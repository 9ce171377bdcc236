import { expect } from 'chai'
import fc from 'fast-check'
import { decodePem, encodePem } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'

const PEM = '-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n'

describe('PEM', () => {
  it('writes 64 characters a line', () => {
    const lines = encodePem('PRIVATE KEY', new Uint8Array(54)).split('\n')
    expect(lines.map((line) => line.length)).to.deep.equal([27, 64, 8, 25, 0])
  })

  it('reads what it writes, whatever the line ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.constantFrom('\n', '\r\n', '\r'), (der, end) => {
        const pem = encodePem('PUBLIC KEY', der).replaceAll('\n', end)
        expect(toHex(decodePem(pem, 'PUBLIC KEY'))).to.equal(toHex(der))
      }),
    )
  })

  it('ignores explanatory text around the block (RFC 7468 5.2)', () => {
    expect(toHex(decodePem(`Subject: head-end\n${PEM}\nthe end\n`, 'PUBLIC KEY'))).to.equal('010203')
  })

  const refused: readonly [what: string, pem: string, code: string][] = [
    ['nothing', '', 'pqc.pem.format'],
    ['another label', PEM.replaceAll('PUBLIC', 'PRIVATE'), 'pqc.pem.label'],
    ['an encrypted key', PEM.replaceAll('PUBLIC', 'ENCRYPTED PRIVATE'), 'pqc.pem.label'],
    ['labels that differ', PEM.replace('END PUBLIC', 'END PRIVATE'), 'pqc.pem.label'],
    ['a block without end', PEM.slice(0, 40), 'pqc.pem.format'],
    ['two blocks', PEM + PEM, 'pqc.pem.format'],
    ['an empty block', PEM.replace('AQID', ''), 'pqc.pem.format'],
    ['a foreign character', PEM.replace('AQID', 'AQ*D'), 'pqc.pem.format'],
    ['missing padding', PEM.replace('AQID', 'AQI'), 'pqc.pem.format'],
    ['padding inside', PEM.replace('AQID', 'AQ==AQID'), 'pqc.pem.format'],
    ['unused bits that are set', PEM.replace('AQID', 'AQJ='), 'pqc.pem.format'],
  ]
  for (const [what, pem, code] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => decodePem(pem, 'PUBLIC KEY'))
        .to.throw(DecodeError)
        .with.property('code', code)
    })
  }

  it('does not pass over a damaged block to take the next one', () => {
    const pem = encodePem('PUBLIC KEY', new Uint8Array(48))
    const damaged = pem.replace('AAAA', 'A#AA')
    expect(() => decodePem(damaged + pem, 'PUBLIC KEY'))
      .to.throw(DecodeError)
      .with.property('code', 'pqc.pem.format')
  })

  it('takes text only', () => {
    const bytes = Buffer.from(PEM) as unknown as string
    expect(() => decodePem(bytes, 'PUBLIC KEY'))
      .to.throw(UsageError)
      .with.property('code', 'pqc.argument.type')
  })

  it('is read in linear time', () => {
    const long = `-----BEGIN PUBLIC KEY-----\n${'A\n'.repeat(500_000)}`
    expect(() => decodePem(long, 'PUBLIC KEY')).to.throw(DecodeError)
  })
})
