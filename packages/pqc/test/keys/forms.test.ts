import { readFileSync } from 'node:fs'
import { createPrivateKey, createPublicKey, sign as nodeSign, verify as nodeVerify } from 'node:crypto'
import { expect } from 'chai'
import {
  ALGORITHMS,
  DecapsulationKey,
  EncapsulationKey,
  SigningKey,
  VerifyingKey,
  decodePem,
  decodePkcs8,
} from '@gridseal/pqc'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'
import { encodePkcs8Expanded } from '#src/keys/pkcs8.ts'
import { mutations } from '../../../../test/support/mutate.ts'

// The small sets of SLH-DSA take up to seconds to generate; one of them stands for all.
const SIGNATURES = ALGORITHMS.flatMap((info) =>
  info.kind === 'signature' && !/^SLH-DSA-.*((192|256)s|SHAKE-128s)$/.test(info.name) ? [info] : [],
)
const KEMS = ALGORITHMS.flatMap((info) => (info.kind === 'kem' ? [info] : []))
/** Seed and expanded key, as Node.js 24 exports them. */
const NODE24_KEY = new URL('../../../../fixtures/pqc/node24/ml-dsa-44.key.pem', import.meta.url)
const MESSAGE = new TextEncoder().encode('tap position 7')

/** What node:crypto knows by itself. */
const inNode = (name: string): boolean => !/Falcon|MLDSA|X-Wing|MLKEM/.test(name)

describe('forms of keys', function () {
  this.timeout(60_000)
  const keys = new Map<SignatureAlgorithm, SigningKey>()
  before(() => {
    for (const { name } of SIGNATURES) keys.set(name, SigningKey.generate(name))
  })

  for (const { name } of SIGNATURES) {
    it(`${name}: PKCS#8, SPKI, JWK and COSE_Key lead back to the same key`, () => {
      const key = keys.get(name)!
      const seed = toHex(key.toSeed())
      for (const back of [
        SigningKey.fromPkcs8(key.toPkcs8()),
        SigningKey.fromPem(key.toPem()),
        SigningKey.fromJwk(JSON.parse(JSON.stringify(key.toPrivateJwk()))),
        SigningKey.fromCoseKey(key.toPrivateCoseKey()),
        SigningKey.fromSeed(name, key.toSeed()),
      ]) {
        expect(back.algorithm).to.equal(name)
        expect(toHex(back.toSeed())).to.equal(seed)
        expect(back.publicKey.equals(key.publicKey)).to.equal(true)
      }
      for (const back of [
        VerifyingKey.fromSpki(key.publicKey.toSpki()),
        VerifyingKey.fromPem(key.publicKey.toPem()),
        VerifyingKey.fromJwk(JSON.parse(JSON.stringify(key.publicKey.toJwk()))),
        VerifyingKey.fromCoseKey(key.publicKey.toCoseKey()),
        VerifyingKey.fromCoseKey(key.publicKey.toCoseKey({ kid: true })),
        VerifyingKey.fromRaw(name, key.publicKey.raw),
      ]) {
        expect(back.equals(key.publicKey)).to.equal(true)
        expect(back.fingerprintText).to.equal(key.publicKey.fingerprintText)
      }
    })

    it(`${name}: a public form with a private key in it is refused`, () => {
      const key = keys.get(name)!
      for (const call of [
        () => VerifyingKey.fromJwk(key.toPrivateJwk()),
        () => VerifyingKey.fromCoseKey(key.toPrivateCoseKey()),
      ]) {
        expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.private')
      }
      for (const call of [
        () => SigningKey.fromJwk(key.publicKey.toJwk()),
        () => SigningKey.fromCoseKey(key.publicKey.toCoseKey()),
      ]) {
        expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.kind')
      }
    })

    it(`${name}: the halves of a pair must fit`, () => {
      const key = keys.get(name)!
      const seed = key.toSeed()
      // Of SLH-DSA the root is part of the private key, and the last byte of Falcon's is public.
      seed[name.startsWith('Falcon') ? 40 : seed.length - 1]! ^= 1
      const jwk = { ...key.toPrivateJwk() } as Record<string, string>
      jwk[jwk['priv'] === undefined ? 'd' : 'priv'] = Buffer.from(seed).toString('base64url')
      expect(() => SigningKey.fromJwk(jwk))
        .to.throw(DecodeError)
        .with.property('code')
        .that.is.oneOf(['pqc.key.mismatch', 'pqc.key.invalid'])
    })

    if (inNode(name)) {
      it(`${name}: node:crypto reads what we write and writes what we read`, () => {
        const key = keys.get(name)!
        const theirs = createPrivateKey({ key: Buffer.from(key.toPkcs8()), format: 'der', type: 'pkcs8' })
        const theirPublic = createPublicKey({ key: Buffer.from(key.publicKey.toSpki()), format: 'der', type: 'spki' })
        expect(theirPublic.equals(createPublicKey(theirs))).to.equal(true)
        expect(toHex(theirPublic.export({ format: 'der', type: 'spki' }))).to.equal(toHex(key.publicKey.toSpki()))
        const back = SigningKey.fromPkcs8(theirs.export({ format: 'der', type: 'pkcs8' }))
        expect(toHex(back.toSeed())).to.equal(toHex(key.toSeed()))
        const [digest, extra] = digestOf(name)
        const signature = nodeSign(digest, MESSAGE, { key: theirs, ...extra })
        expect(key.publicKey.verify(MESSAGE, signature)).to.equal(true)
        expect(nodeVerify(digest, MESSAGE, { key: theirPublic, ...extra }, key.signSync(MESSAGE))).to.equal(true)
      })
    }

    it(`${name}: a damaged COSE_Key is refused or is another key`, () => {
      const key = keys.get(name)!
      // The head of the map and the head of the string; the key's own bytes cannot be wrong.
      const whole = key.publicKey.toCoseKey()
      for (const wrong of mutations(whole.subarray(0, 24))) {
        const rest = wrong.length === 24 ? whole.subarray(24) : new Uint8Array(0)
        const bytes = Uint8Array.of(...wrong, ...rest)
        try {
          VerifyingKey.fromCoseKey(bytes)
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
        }
      }
    })
  }

  for (const { name, oid, jose } of KEMS) {
    it(`${name}: forms lead back to the same key, where it has them`, () => {
      const key = DecapsulationKey.generate(name)
      const peer = EncapsulationKey.fromRaw(name, key.publicKey)
      const agrees = (privateKey: DecapsulationKey, publicKey: EncapsulationKey): void => {
        const { ciphertext, sharedSecret } = publicKey.encapsulate()
        expect(toHex(privateKey.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
      }
      agrees(DecapsulationKey.fromSeed(name, key.seed), peer)
      if (oid === undefined) {
        expect(() => key.toPkcs8())
          .to.throw(UsageError)
          .with.property('code', 'pqc.key.form')
        expect(() => peer.toSpki())
          .to.throw(UsageError)
          .with.property('code', 'pqc.key.form')
      } else {
        agrees(DecapsulationKey.fromPem(key.toPem()), EncapsulationKey.fromPem(peer.toPem()))
      }
      if (jose === undefined) {
        expect(() => key.toPrivateJwk())
          .to.throw(UsageError)
          .with.property('code', 'pqc.key.form')
      } else agrees(DecapsulationKey.fromJwk(key.toPrivateJwk()), EncapsulationKey.fromJwk(peer.toJwk()))
      if (!inNode(name)) return
      const theirs = createPrivateKey({ key: Buffer.from(key.toPkcs8()), format: 'der', type: 'pkcs8' })
      const back = DecapsulationKey.fromPkcs8(theirs.export({ format: 'der', type: 'pkcs8' }))
      expect(toHex(back.seed)).to.equal(toHex(key.seed))
    })
  }

  it('a key of signatures is not one of a KEM, and the other way round', () => {
    const signing = keys.get('ML-DSA-65')!
    const kem = DecapsulationKey.generate('ML-KEM-768')
    const calls = [
      () => DecapsulationKey.fromPkcs8(signing.toPkcs8()),
      () => EncapsulationKey.fromSpki(signing.publicKey.toSpki()),
      () => EncapsulationKey.fromJwk(signing.publicKey.toJwk()),
      () => SigningKey.fromPkcs8(kem.toPkcs8()),
      () => VerifyingKey.fromJwk(EncapsulationKey.fromRaw('ML-KEM-768', kem.publicKey).toJwk()),
    ]
    for (const call of calls) expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.kind')
  })

  it('a key with the expanded form only signs and opens, but has no seed', () => {
    const both = decodePkcs8(decodePem(readFileSync(NODE24_KEY, 'utf8'), 'PRIVATE KEY'))
    for (const provider of ['native', 'noble'] as const) {
      const key = SigningKey.fromPkcs8(encodePkcs8Expanded('ML-DSA-44', both.expanded!), { provider })
      expect(key.publicKey.equals(SigningKey.fromSeed('ML-DSA-44', both.seed!).publicKey)).to.equal(true)
      expect(key.publicKey.verify(MESSAGE, key.signSync(MESSAGE))).to.equal(true)
      for (const call of [() => key.toSeed(), () => key.toPrivateJwk(), () => key.toPrivateCoseKey()]) {
        expect(call).to.throw(UsageError).with.property('code', 'pqc.key.no-seed')
      }
      expect(SigningKey.fromPkcs8(key.toPkcs8()).publicKey.equals(key.publicKey)).to.equal(true)
    }
  })

  it('a destroyed key signs no more', () => {
    const key = SigningKey.generate('ML-DSA-44')
    key.destroy()
    for (const call of [() => key.signSync(MESSAGE), () => key.toSeed(), () => key.toPem()]) {
      expect(call).to.throw(UsageError).with.property('code', 'pqc.key.destroyed')
    }
  })

  it('does not show secrets', () => {
    const key = SigningKey.generate('ML-DSA-44')
    const kem = DecapsulationKey.generate('ML-KEM-512')
    for (const shown of [JSON.stringify({ key, kem }), `${key} ${kem}`]) {
      expect(shown).not.to.include(toHex(key.toSeed()))
      expect(shown).not.to.include(toHex(kem.seed))
    }
  })
})

/** What node:crypto takes beside the key. */
function digestOf(name: SignatureAlgorithm): [string | null, { dsaEncoding?: 'ieee-p1363' }] {
  if (name === 'ECDSA-P256') return ['sha256', { dsaEncoding: 'ieee-p1363' }]
  if (name === 'ECDSA-P384') return ['sha384', { dsaEncoding: 'ieee-p1363' }]
  return [null, {}]
}
