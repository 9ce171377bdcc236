import { expect } from 'chai'
import {
  DecapsulationKey,
  SigningKey,
  VerifyingKey,
  algorithmInfo,
  decodePkcs8,
  encapsulate,
  encodePkcs8Both,
  encodeSpki,
  selectProvider,
  sha3_256,
} from '@gridseal/pqc'
import type { ProviderName, SignatureAlgorithm } from '@gridseal/pqc'
import { BER, BerWriter, DecodeError, fromHex } from '@gridseal/wire'

const MESSAGE = new TextEncoder().encode('open breaker 52-1')
const NOTHING = new Uint8Array(0)

/** SEC 1 hybrid form: 6 or 7 by the parity of y, and then as the uncompressed one. */
function hybridForm(point: Uint8Array): Uint8Array {
  return Uint8Array.of(6 + (point[point.length - 1]! & 1), ...point.subarray(1))
}

function expandedPkcs8(algorithm: 'ML-DSA-44', expanded: Uint8Array): Uint8Array {
  return new BerWriter(4096)
    .constructed(BER.SEQUENCE, (w) => {
      w.integer(0).constructed(BER.SEQUENCE, (a) => a.oid(algorithmInfo(algorithm).oid!))
      w.wrapping(BER.OCTET_STRING, (key) => key.octetString(expanded))
    })
    .finish()
}

for (const provider of ['native', 'noble'] as const satisfies readonly ProviderName[]) {
  describe(`provider ${provider} takes what the other takes`, () => {
    const options = { provider }
    const invalid = (call: () => unknown): void => {
      expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.invalid')
    }

    for (const algorithm of ['ECDSA-P256', 'ECDSA-P384', 'MLDSA44-ECDSA-P256-SHA256'] as const) {
      it(`${algorithm}: a point has one form, or one key would have two fingerprints`, () => {
        const { raw } = SigningKey.generate(algorithm).publicKey
        const at = algorithm.startsWith('MLDSA') ? 1312 : 0
        const twin = Uint8Array.of(...raw.subarray(0, at), ...hybridForm(raw.subarray(at)))
        invalid(() => VerifyingKey.fromRaw(algorithm, twin, options))
        invalid(() => VerifyingKey.fromSpki(encodeSpki(algorithm, twin), options))
      })
    }

    it('MLKEM768-P256: the points of keys and ciphertexts have one form', () => {
      const key = DecapsulationKey.generate('MLKEM768-P256', options)
      const { ciphertext } = encapsulate('MLKEM768-P256', key.publicKey)
      const twin = (bytes: Uint8Array, at: number): Uint8Array =>
        Uint8Array.of(...bytes.subarray(0, at), ...hybridForm(bytes.subarray(at)))
      invalid(() => encapsulate('MLKEM768-P256', twin(key.publicKey, 1184), options))
      invalid(() => key.decapsulate(twin(ciphertext, 1088)))
    })

    it('ML-DSA: an expanded key whose parts are not of one key is none', () => {
      const { expanded } = decodePkcs8(SigningKey.generate('ML-DSA-44').toPkcs8('expanded'))
      expect(SigningKey.fromPkcs8(expandedPkcs8('ML-DSA-44', expanded!), options).algorithm).to.equal('ML-DSA-44')
      const other = decodePkcs8(SigningKey.generate('ML-DSA-44').toPkcs8('expanded')).expanded!
      // rho, tr and s1 (FIPS 204 algorithm 24). That s2 and t0 fit is more than noble can tell.
      for (const [from, to] of [
        [0, 32],
        [64, 128],
        [128, 512],
      ] as const) {
        const mixed = expanded!.slice()
        mixed.set(other.subarray(from, to), from)
        invalid(() => SigningKey.fromPkcs8(expandedPkcs8('ML-DSA-44', mixed), options))
      }
    })

    it('ML-KEM: an expanded key whose public half is not reduced is none, though its hash fits (FIPS 203 7.2)', () => {
      const expanded = decodePkcs8(DecapsulationKey.generate('ML-KEM-512').toPkcs8('expanded')).expanded!.slice()
      expect(DecapsulationKey.fromExpanded('ML-KEM-512', expanded, options).algorithm).to.equal('ML-KEM-512')
      expanded.fill(0xff, 768, 771)
      expanded.set(sha3_256(expanded.subarray(768, 1568)), 1568)
      invalid(() => DecapsulationKey.fromExpanded('ML-KEM-512', expanded, options))
    })

    it('ML-KEM and ML-DSA: seed and expanded key of one file are of one key', () => {
      const [a, b] = [DecapsulationKey.generate('ML-KEM-512'), DecapsulationKey.generate('ML-KEM-512')]
      const [c, d] = [SigningKey.generate('ML-DSA-44'), SigningKey.generate('ML-DSA-44')]
      const expanded = (key: DecapsulationKey | SigningKey): Uint8Array =>
        decodePkcs8(key.toPkcs8('expanded')).expanded!
      const mismatch = (call: () => unknown): void => {
        expect(call).to.throw(DecodeError).with.property('code', 'pqc.key.mismatch')
      }
      expect(DecapsulationKey.fromPkcs8(a.toPkcs8('both'), options).publicKey).to.deep.equal(a.publicKey)
      mismatch(() => DecapsulationKey.fromPkcs8(encodePkcs8Both('ML-KEM-512', a.seed, expanded(b)), options))
      expect(SigningKey.fromPkcs8(c.toPkcs8('both'), options).publicKey.equals(c.publicKey)).to.equal(true)
      mismatch(() => SigningKey.fromPkcs8(encodePkcs8Both('ML-DSA-44', c.toSeed(), expanded(d)), options))
    })

    it('a scalar of ECDH is at least 1 and below the order', () => {
      const { agreement } = selectProvider('ML-KEM-768', options)
      const orders = {
        'P-256': 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
        'P-384': 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
      } as const
      for (const [group, order] of Object.entries(orders) as ['P-256' | 'P-384', string][]) {
        const [above, below] = [fromHex(order), fromHex(order)]
        below[below.length - 1]! -= 1
        for (const wrong of [new Uint8Array(above.length), above, above.map(() => 0xff)]) {
          invalid(() => agreement(group, wrong))
        }
        const [a, b] = [agreement(group, below), agreement(group)]
        expect(a.agree(b.publicKey)).to.deep.equal(b.agree(a.publicKey))
      }
    })

    it('X25519 takes each share as it is now, also from a buffer that is used again', () => {
      const { agreement } = selectProvider('ML-KEM-768', options)
      const [key, first, second] = [agreement('X25519'), agreement('X25519'), agreement('X25519')]
      const buffer = Uint8Array.from(first.publicKey)
      const one = key.agree(buffer)
      buffer.set(second.publicKey)
      const two = key.agree(buffer)
      expect([one, two]).to.deep.equal([first.agree(key.publicKey), second.agree(key.publicKey)])
    })

    it('signs hedged: two signatures of one message differ, but for Ed25519', () => {
      for (const algorithm of ['ML-DSA-44', 'SLH-DSA-SHAKE-128f', 'ECDSA-P256', 'ECDSA-P384', 'Ed25519'] as const) {
        const key = SigningKey.generate(algorithm, options)
        const [a, b] = [key.signSync(MESSAGE), key.signSync(MESSAGE)]
        expect(Buffer.compare(a, b) === 0, algorithm).to.equal(algorithm === 'Ed25519')
      }
    })

    it('the empty context is none, for algorithms that have no other, too', async () => {
      for (const algorithm of ['ML-DSA-44', 'SLH-DSA-SHA2-128f', 'Ed25519', 'ECDSA-P256'] as SignatureAlgorithm[]) {
        const key = SigningKey.generate(algorithm, options)
        const signature = await key.sign(MESSAGE, { context: NOTHING })
        expect(key.publicKey.verify(MESSAGE, signature), algorithm).to.equal(true)
        expect(key.publicKey.verify(MESSAGE, key.signSync(MESSAGE), { context: NOTHING }), algorithm).to.equal(true)
      }
    })
  })
}

it('Falcon takes the empty context', () => {
  const key = SigningKey.generate('Falcon-512')
  expect(key.publicKey.verify(MESSAGE, key.signSync(MESSAGE, { context: NOTHING }), { context: NOTHING })).to.equal(
    true,
  )
})
