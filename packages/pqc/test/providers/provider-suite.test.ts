import { expect } from 'chai'
import { algorithmInfo, providerSupports, selectProvider, sha256 } from '@gridseal/pqc'
import type { Agreement, ProviderName } from '@gridseal/pqc'
import { AuthError, DecodeError, InternalError, fromHex, toHex } from '@gridseal/wire'
import { KEM_ANSWERS, SIGNATURE_ANSWERS } from './known-answers.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const isPlain = (bytes: Uint8Array): boolean => Object.getPrototypeOf(bytes) === Uint8Array.prototype

/** What every provider must do, run over each of them. */
function providerSuite(name: ProviderName): void {
  describe(`provider ${name}`, () => {
    for (const { algorithm, publicKeyHash } of SIGNATURE_ANSWERS) {
      describe(algorithm, () => {
        const info = algorithmInfo(algorithm)
        const implementation = selectProvider(algorithm, { provider: name }).signature(algorithm)!
        const signer = implementation.signer(new Uint8Array(info.seedLength))
        const verifier = implementation.verifier(signer.publicKey)
        const message = text('breaker 52-1 open')
        const signature = signer.signSync(message)

        it('works here', () => expect(providerSupports(name, algorithm)).to.equal(true))

        it('derives the known public key from the zero seed', () => {
          expect(toHex(sha256(signer.publicKey))).to.equal(publicKeyHash)
          expect(signer.publicKey.length).to.equal(info.publicKeyLength)
        })

        it('signs, at once and away from the main thread', async () => {
          for (const made of [signature, await signer.sign(message)]) {
            expect(made.length).to.equal(info.signatureLength)
            expect(isPlain(made)).to.equal(true)
            expect(verifier.verify(message, made)).to.equal(true)
          }
        })

        it('hedges: two signatures over one message differ', async () => {
          expect(toHex(await signer.sign(message))).not.to.equal(toHex(await signer.sign(message)))
        })

        it('signs and verifies the empty message and a long one', () => {
          for (const odd of [new Uint8Array(0), new Uint8Array(100_000).fill(7)]) {
            expect(verifier.verify(odd, signer.signSync(odd))).to.equal(true)
          }
        })

        it('takes no signature of another message, key or context', () => {
          const other = implementation.signer(new Uint8Array(info.seedLength).fill(1))
          expect(verifier.verify(text('breaker 52-1 close'), signature)).to.equal(false)
          expect(implementation.verifier(other.publicKey).verify(message, signature)).to.equal(false)
          expect(verifier.verify(message, signature, { context: text('grid/v1') })).to.equal(false)
          const withContext = signer.signSync(message, { context: text('grid/v1') })
          expect(verifier.verify(message, withContext, { context: text('grid/v1') })).to.equal(true)
          expect(verifier.verify(message, withContext)).to.equal(false)
        })

        it('says false to every damaged signature', () => {
          const wrong = [
            new Uint8Array(info.signatureLength),
            new Uint8Array(info.signatureLength).fill(0xff),
            ...[0, 31, 32, 1000, info.signatureLength - 90, info.signatureLength - 1].map((at) =>
              flipped(signature, at),
            ),
          ]
          for (const damaged of wrong) expect(verifier.verify(message, damaged)).to.equal(false)
        })

        it('reports what it cannot do as a broken contract, with its own error as the cause', async () => {
          const options = { context: new Uint8Array(256) }
          const calls = [
            async () => signer.signSync(message, options),
            () => signer.sign(message, options),
            async () => verifier.verify(message, signature, options),
          ]
          for (const call of calls) await expectBroken(call, algorithm, name)
        })

        it('imports any bytes of the right length as a public key', () => {
          const nonsense = implementation.verifier(new Uint8Array(info.publicKeyLength).fill(0xa5))
          expect(nonsense.verify(message, signature)).to.equal(false)
        })

        it('takes views into larger buffers', () => {
          const padded = Uint8Array.of(9, 9, ...signature, 9).subarray(2, -1)
          const view = Uint8Array.of(9, ...message, 9).subarray(1, -1)
          expect(verifier.verify(view, padded)).to.equal(true)
        })
      })
    }

    for (const { algorithm, publicKeyHash, rejectSecret } of KEM_ANSWERS) {
      describe(algorithm, () => {
        const info = algorithmInfo(algorithm)
        const implementation = selectProvider(algorithm, { provider: name }).kem(algorithm)!
        const key = implementation.decapsulator(new Uint8Array(info.seedLength))
        const encapsulator = implementation.encapsulator(key.publicKey)

        it('works here', () => expect(providerSupports(name, algorithm)).to.equal(true))

        it('derives the known public key from the zero seed', () => {
          expect(toHex(sha256(key.publicKey))).to.equal(publicKeyHash)
          expect(key.publicKey.length).to.equal(info.publicKeyLength)
        })

        it('gives both sides one secret, a new one each time', () => {
          const first = encapsulator.encapsulate()
          const second = encapsulator.encapsulate()
          expect([first.ciphertext.length, first.sharedSecret.length]).to.deep.equal([info.ciphertextLength, 32])
          expect(toHex(key.decapsulate(first.ciphertext))).to.equal(toHex(first.sharedSecret))
          expect(toHex(key.decapsulate(second.ciphertext))).to.equal(toHex(second.sharedSecret))
          expect(toHex(first.sharedSecret)).not.to.equal(toHex(second.sharedSecret))
          expect([first.ciphertext, first.sharedSecret, key.publicKey].every(isPlain)).to.equal(true)
        })

        it('rejects implicitly: the known secret for the all-zero ciphertext, another for a flipped bit', () => {
          expect(toHex(key.decapsulate(new Uint8Array(info.ciphertextLength)))).to.equal(rejectSecret)
          const { ciphertext, sharedSecret } = encapsulator.encapsulate()
          const wrong = key.decapsulate(flipped(ciphertext, 7))
          expect(wrong.length).to.equal(32)
          expect(toHex(wrong)).not.to.equal(toHex(sharedSecret))
          expect(toHex(key.decapsulate(flipped(ciphertext, 7)))).to.equal(toHex(wrong))
        })

        it('reports what it cannot do as a broken contract', async () => {
          await expectBroken(async () => key.decapsulate(new Uint8Array(5)), algorithm, name)
        })

        it('refuses a public key that is not reduced (FIPS 203 7.2)', () => {
          const notReduced = key.publicKey.slice()
          notReduced.set([0xff, 0xff, 0xff])
          expect(() => implementation.encapsulator(notReduced))
            .to.throw(DecodeError)
            .that.deep.includes({ code: 'pqc.key.invalid', field: 'publicKey' })
        })
      })
    }

    describe('X25519', () => {
      const provider = selectProvider('ML-KEM-768', { provider: name })
      const x25519 = (secret: Uint8Array): Agreement => provider.agreement('X25519', secret)

      it('gives the result of RFC 7748 5.2', () => {
        const key = x25519(fromHex('a046e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449a44'))
        const peer = fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c')
        const shared = 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'
        expect(toHex(key.agree(peer))).to.equal(shared)
        peer[31]! ^= 0x80
        expect(toHex(key.agree(peer)), 'the top bit is ignored').to.equal(shared)
      })

      it('gives both sides one secret', () => {
        const [a, b] = [x25519(new Uint8Array(32).fill(1)), x25519(new Uint8Array(32).fill(2))]
        expect(toHex(a.agree(b.publicKey))).to.equal(toHex(b.agree(a.publicKey)))
        expect([a.publicKey, a.agree(b.publicKey)].every(isPlain)).to.equal(true)
      })

      it('refuses points of low order (RFC 7748 6.1)', () => {
        const key = x25519(new Uint8Array(32).fill(1))
        for (const point of LOW_ORDER) {
          expect(() => key.agree(fromHex(point)))
            .to.throw(AuthError)
            .with.property('code', 'pqc.x25519.low-order')
        }
      })
    })
  })
}

/** 0, 1, p - 1, p, p + 1 and the two points of order 8. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]

async function expectBroken(call: () => Promise<unknown>, algorithm: string, provider: string): Promise<void> {
  const error: unknown = await call().catch((thrown: unknown) => thrown)
  expect(error).to.be.instanceOf(InternalError).with.property('code', 'pqc.provider.failed')
  expect((error as InternalError).details).to.include({ algorithm, provider })
  expect((error as InternalError).cause).to.be.instanceOf(Error)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at]! ^= 1
  return copy
}

providerSuite('native')
providerSuite('noble')
