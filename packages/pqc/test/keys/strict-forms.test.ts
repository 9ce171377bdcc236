import { expect } from 'chai'
import { SigningKey, VerifyingKey } from '@gridseal/pqc'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'

const AKP = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(1))
const OKP = SigningKey.fromSeed('Ed25519', new Uint8Array(32).fill(1))
const EC = SigningKey.fromSeed('ECDSA-P256', new Uint8Array(32).fill(1))

function refused(call: () => unknown, code: string, what: string): void {
  expect(call, what).to.throw(DecodeError).with.property('code', code)
}

describe('JSON Web Keys are read strictly', () => {
  const akp = AKP.publicKey.toJwk()
  const okp = OKP.publicKey.toJwk()
  const ec = EC.publicKey.toJwk()

  for (const [what, jwk, code] of [
    ['no object', 'AKP', 'pqc.jwk.format'],
    ['null', null, 'pqc.jwk.format'],
    ['a list', [akp], 'pqc.jwk.format'],
    ['AKP without alg (RFC 9964 3)', { kty: 'AKP', pub: akp.pub }, 'pqc.jwk.alg'],
    ['AKP of another set', { ...akp, alg: 'ML-DSA-65' }, 'pqc.key.length'],
    ['AKP of an unknown algorithm', { ...akp, alg: 'ML-DSA-99' }, 'pqc.algorithm.unknown'],
    ['AKP with the name of a curve', { ...akp, alg: 'Ed25519' }, 'pqc.algorithm.unknown'],
    ['no public key', { kty: 'AKP', alg: 'ML-DSA-44' }, 'pqc.jwk.format'],
    ['a public key that is a number', { ...akp, pub: 7 }, 'pqc.jwk.format'],
    ['padding', { ...okp, x: `${okp.x}=` }, 'pqc.jwk.format'],
    ['base64 that is not base64url', { ...okp, x: `+/${okp.x!.slice(2)}` }, 'pqc.jwk.format'],
    ['white space', { ...okp, x: `${okp.x!.slice(0, 8)} ${okp.x!.slice(8)}` }, 'pqc.jwk.format'],
    ['bits left over', { ...okp, x: `${okp.x!.slice(0, -1)}B` }, 'pqc.jwk.format'],
    ['a key that is too short', { ...okp, x: Buffer.alloc(31, 1).toString('base64url') }, 'pqc.key.length'],
    ['another alg than the curve has', { ...ec, alg: 'ES384' }, 'pqc.jwk.alg'],
    ['EdDSA for ECDSA', { ...ec, alg: 'EdDSA' }, 'pqc.jwk.alg'],
    ['a curve of another type', { ...ec, kty: 'OKP' }, 'pqc.algorithm.unknown'],
    ['an unknown curve', { ...okp, crv: 'Ed448' }, 'pqc.algorithm.unknown'],
    ['an unknown type', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }, 'pqc.algorithm.unknown'],
    ['a point that is not on its curve', { ...ec, x: ec.y }, 'pqc.key.invalid'],
    [
      'a coordinate without its leading zero',
      { ...ec, x: Buffer.alloc(31, 1).toString('base64url') },
      'pqc.key.length',
    ],
  ] as const) {
    it(`refuses ${what}`, () => refused(() => VerifyingKey.fromJwk(jwk), code, what))
  }

  it('refuses private keys of 31 and 33 bytes', () => {
    for (const length of [31, 33]) {
      const priv = Buffer.alloc(length, 1).toString('base64url')
      refused(() => SigningKey.fromJwk({ ...akp, priv }), 'pqc.key.length', `${length}`)
      refused(() => SigningKey.fromJwk({ ...okp, d: priv }), 'pqc.key.length', `${length}`)
    }
  })

  it('reads EdDSA, which RFC 9864 deprecates, and curves without alg', () => {
    const { alg, ...bare } = ec
    expect(alg).to.equal('ES256')
    expect(VerifyingKey.fromJwk(bare).equals(EC.publicKey)).to.equal(true)
    expect(VerifyingKey.fromJwk({ ...okp, alg: 'EdDSA' }).equals(OKP.publicKey)).to.equal(true)
  })
})

describe('COSE keys are read in deterministic CBOR only (RFC 8949 4.2.1)', () => {
  const x = toHex(OKP.publicKey.raw)
  /** {1: 1 (OKP), 3: -19 (Ed25519), -1: 6 (Ed25519), -2: x} */
  const good = `a4 01 01 03 32 20 06 21 5820${x}`

  for (const [what, hex, code] of [
    ['labels in another order', `a4 03 32 01 01 20 06 21 5820${x}`, 'pqc.cose.order'],
    ['a label twice', `a5 01 01 03 32 03 32 20 06 21 5820${x}`, 'pqc.cose.order'],
    ['an integer that is longer than it need be', `a4 01 1801 03 32 20 06 21 5820${x}`, 'pqc.cose.form'],
    ['a length that is longer than it need be', `a4 01 01 03 32 20 06 21 590020${x}`, 'pqc.cose.form'],
    ['a length of eight bytes', `a4 01 01 03 32 20 06 21 5b0000000000000020${x}`, 'pqc.cose.form'],
    ['a map without length', `bf 01 01 03 32 20 06 21 5820${x} ff`, 'pqc.cose.form'],
    ['bytes behind it', `${good} 00`, 'decode.trailing'],
    ['a string that is cut off', `a4 01 01 03 32 20 06 21 5821${x}`, 'decode.truncated'],
    ['more members than there are', `a5 01 01 03 32 20 06 21 5820${x}`, 'decode.truncated'],
    ['a list', `84 01 01 03 32`, 'pqc.cose.type'],
    ['a label that is text', `a4 01 01 03 32 20 06 6121 5820${x}`, 'pqc.cose.type'],
    ['a member that is a list', `a5 01 01 03 32 04 80 20 06 21 5820${x}`, 'pqc.cose.type'],
    ['text that is not UTF-8', `a5 01 01 03 32 04 61ff 20 06 21 5820${x}`, 'pqc.cose.type'],
    ['a kid that is no byte string', `a5 01 01 02 01 03 32 20 06 21 5820${x}`, 'pqc.cose.type'],
    ['the alg of another algorithm', `a4 01 01 03 28 20 06 21 5820${x}`, 'pqc.cose.alg'],
    ['an alg that is text', `a4 01 01 03 6145 20 06 21 5820${x}`, 'pqc.cose.alg'],
    ['another curve', `a4 01 01 03 32 20 07 21 5820${x}`, 'pqc.algorithm.unknown'],
    ['another type', `a4 01 02 03 32 20 06 21 5820${x}`, 'pqc.algorithm.unknown'],
    ['AKP without alg (RFC 9964 3)', `a2 01 07 20 41 00`, 'pqc.cose.alg'],
    ['AKP with an alg of another type', `a3 01 07 03 32 20 5820${x}`, 'pqc.algorithm.unknown'],
    ['no public key', `a3 01 01 03 32 20 06`, 'pqc.key.length'],
    ['a public key that is an integer', `a4 01 01 03 32 20 06 21 05`, 'pqc.key.length'],
  ] as const) {
    it(`refuses ${what}`, () => {
      refused(() => VerifyingKey.fromCoseKey(fromHex(hex.replaceAll(' ', ''))), code, what)
    })
  }

  it('reads EdDSA and ES256, which RFC 9864 deprecates, and curves without alg', () => {
    for (const hex of [good, `a4 01 01 03 27 20 06 21 5820${x}`, `a3 01 01 20 06 21 5820${x}`]) {
      const key = VerifyingKey.fromCoseKey(fromHex(hex.replaceAll(' ', '')))
      expect(key.equals(OKP.publicKey), hex).to.equal(true)
    }
    const whole = toHex(EC.publicKey.toCoseKey())
    expect(whole.startsWith('a50102032820')).to.equal(true)
    const old = VerifyingKey.fromCoseKey(fromHex(whole.replace('0328', '0326')))
    expect(old.equals(EC.publicKey)).to.equal(true)
  })
})
