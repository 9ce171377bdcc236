import { expect } from 'chai'
import {
  CH_KEM_V1,
  ChKemEncapsulationKey,
  ChKemEphemeral,
  chKemEncapsulate,
  chKemEncapsulateWith,
  chKemKdf,
  chKemKdf1,
  encapsulate,
  ephemeralChKemKeyPair,
  ephemeralKeyPair,
  generateChKemKeyPair,
  generateKemKeyPair,
  generateX25519,
  sha256,
  transcriptHash,
} from '@gridseal/pqc'
import type { ChKemRole, ProviderName } from '@gridseal/pqc'
import { AuthError, DecodeError, fromHex, toHex } from '@gridseal/wire'
import { chKemTranscript } from '#src/kem/ch-kem.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
/** Bytes `from`, `from + 1`, … */
const run = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i)
const PROVIDERS: readonly ProviderName[] = ['native', 'noble']
const M = run(0x00, 32)
const M2 = run(0x20, 32)

describe('CH-KEM hash constructions', () => {
  it('TH counts its components and their lengths', () => {
    const known = 'd906b26f5eb009ae139dd5293f272a40118d4b22fedafab92e3daaf8e4085386'
    expect(toHex(transcriptHash(text('a'), text(''), text('bc')))).to.equal(known)
    expect(toHex(transcriptHash(text('ab'), text(''), text('c')))).not.to.equal(known)
    expect(toHex(transcriptHash(text('a'), text('bc')))).not.to.equal(known)
  })

  it('KDF: the rekey and traffic vectors', () => {
    expect(toHex(chKemKdf('CH-KEM-Tunnel-Rekey', [M, M2], 32))).to.equal(
      'ff065be5c1a21f9715a3407e1c34e0930967a916d63701bac5bc4df4e4719bac',
    )
    expect(toHex(chKemKdf('CH-KEM-Tunnel-Traffic', [M], 64))).to.equal(
      'df5b3869c1e3fc69d4a3e7cb5dd7d63585e015066ea48860f02baef43551e8f1' +
        '0f60dca564a4d09cec1f8caeeb8fccca4233e0260f59eafe266fbc91ef3e0775',
    )
  })

  it('KDF1: the traffic, handshake and nonce vectors', () => {
    expect(toHex(chKemKdf1('CH-KEM-Tunnel-Traffic', M, 64))).to.equal(
      '526de2ea533b537fc6383fc5c402068cee1c0128f49792b7a88fb48e5f0e92b6' +
        '6fbf1b8324136552c6499e285ebb71807d614a9960889bc3b0f60eb2e8769f55',
    )
    expect(toHex(chKemKdf1('CH-KEM-Tunnel-Handshake', M, 88))).to.equal(
      '44356a040119a4f54b225a87436673f3070f8d9383df0f3f9af99435b1a73d72' +
        '36309f3e2db40ffa598bf1b03215f62f39dd5dc1d898e984f7fe1ff3cf66edcb' +
        'aea126c2ebffc1f47120a410451ccc3a5b9a22ea77185233',
    )
    expect(toHex(chKemKdf1('CH-KEM-Tunnel-Stream-Nonce', M, 8))).to.equal('3b8e29b247e4be30')
  })

  it('gives 1 to 2^20 bytes', () => {
    expect(chKemKdf('x', [], 2 ** 20)).to.have.length(2 ** 20)
    for (const length of [0, -1, 1.5, 2 ** 20 + 1]) expect(() => chKemKdf('x', [M], length)).to.throw('length must be')
  })
})

describe('CH-KEM-v1', () => {
  const SEED = Uint8Array.of(...run(0x10, 32), ...run(0x80, 64))
  const RANDOMNESS = Uint8Array.of(...run(0x40, 32), ...run(0xc0, 32))
  const VECTORS: readonly { role: ChKemRole; transcript: string; secret: string }[] = [
    {
      role: 'initiator',
      transcript: '5a093e58a57b18ef5f5493115c2152cc94e2bbb9d5a8490523e3c50c407c9f66',
      secret: 'e62ec937edca55ed8bef57429f5111ac4f3d0bba0024f96a108a2eb79eb31962',
    },
    {
      role: 'responder',
      transcript: 'e14cd21e7dd0417096373b43ddf5ef199d650b9ff7e5f08c2c01c720ef7d0e88',
      secret: 'aa96f62d28097c2cc0a905f01cbc3e1e87cb5f871311302a255a50730b35766d',
    },
  ]

  for (const provider of PROVIDERS) {
    describe(`provider ${provider}`, () => {
      const key = generateChKemKeyPair(SEED, { provider })

      it('derives the known public key, X25519 first', () => {
        expect(toHex(sha256(key.publicKey))).to.equal(
          '07f17ca1457d3159127a80cfa8822486b2d9fe866d3b8a8ec95709a52b4ec9df',
        )
        expect(toHex(key.publicKey.subarray(0, 32))).to.equal(toHex(generateX25519(run(0x10, 32)).publicKey))
        expect(toHex(key.seed)).to.equal(toHex(SEED))
      })

      for (const { role, secret, transcript } of VECTORS) {
        it(`gives the known secret when the encapsulator is the ${role}`, () => {
          const made = chKemEncapsulateWith(key.publicKey, role, RANDOMNESS)
          expect(toHex(sha256(made.ciphertext))).to.equal(
            '12c0db561686b4cbc9e15a1cd13995cbe56f22fccef0a04011c21769c66f38e4',
          )
          expect(toHex(made.sharedSecret)).to.equal(secret)
          expect(toHex(key.decapsulate(made.ciphertext, role))).to.equal(secret)
          const [pk, ct] = [key.publicKey, made.ciphertext]
          const parts = [pk.subarray(0, 32), pk.subarray(32), ct.subarray(0, 32), ct.subarray(32)] as const
          expect(toHex(chKemTranscript(...parts, role))).to.equal(transcript)
        })
      }

      it('has the known leg secrets', () => {
        const { ciphertext } = chKemEncapsulateWith(key.publicKey, 'initiator', RANDOMNESS)
        const kX = generateX25519(run(0x10, 32), { provider }).agree(ciphertext.subarray(0, 32))
        const kM = generateKemKeyPair('ML-KEM-1024', run(0x80, 64), { provider }).decapsulate(ciphertext.subarray(32))
        expect(toHex(kX)).to.equal('0b7480daab7ce8926aaf208e30ef89c8403f7d00aa3db0428f914ead05c85e09')
        expect(toHex(kM)).to.equal('6a563d3bbd9cff6b1863ad142fcebf274d7f85958ff5049a6a46e862cd798c21')
      })

      it('gives both sides one secret, which depends on the role and on every part', () => {
        const fresh = generateChKemKeyPair(undefined, { provider })
        const made = chKemEncapsulate(fresh.publicKey, 'responder', { provider })
        expect([fresh.publicKey.length, made.ciphertext.length]).to.deep.equal([
          CH_KEM_V1.publicKeyLength,
          CH_KEM_V1.ciphertextLength,
        ])
        const secret = toHex(made.sharedSecret)
        expect(toHex(fresh.decapsulate(made.ciphertext, 'responder'))).to.equal(secret)
        expect(toHex(fresh.decapsulate(made.ciphertext, 'initiator'))).not.to.equal(secret)
        for (const at of [0, 31, 32, 1599]) {
          const wrong = made.ciphertext.slice()
          wrong[at]! ^= 1
          expect(toHex(fresh.decapsulate(wrong, 'responder')), `octet ${at}`).not.to.equal(secret)
        }
        expect(toHex(chKemEncapsulate(fresh.publicKey, 'responder', { provider }).sharedSecret)).not.to.equal(secret)
      })

      it('aborts when the X25519 leg is of low order, however good the other leg is', () => {
        const weak = chKemEncapsulate(key.publicKey, 'initiator', { provider }).ciphertext
        weak.fill(0, 0, 32)
        expect(() => key.decapsulate(weak, 'initiator'))
          .to.throw(AuthError)
          .with.property('code', 'pqc.x25519.low-order')
        const weakKey = key.publicKey.slice()
        weakKey.fill(0, 0, 32)
        expect(() => chKemEncapsulate(weakKey, 'initiator', { provider }))
          .to.throw(AuthError)
          .with.property('code', 'pqc.x25519.low-order')
      })
    })
  }

  it('opens with one provider what the other made', () => {
    for (const [one, other] of [
      ['native', 'noble'],
      ['noble', 'native'],
    ] as const) {
      const key = generateChKemKeyPair(SEED, { provider: one })
      const made = chKemEncapsulate(key.publicKey, 'responder', { provider: other })
      expect(toHex(key.decapsulate(made.ciphertext, 'responder'))).to.equal(toHex(made.sharedSecret))
    }
  })

  it('does not let the caller reach its secret', () => {
    const key = generateChKemKeyPair(SEED)
    key.seed.fill(0)
    expect(toHex(key.seed)).to.equal(toHex(SEED))
    expect(JSON.stringify(key)).not.to.include('seed')
    expect(toHex(fromHex('10'))).to.equal(toHex(key.seed.subarray(0, 1)))
  })
})

describe('key pairs for one key agreement', () => {
  for (const provider of PROVIDERS) {
    it(`${provider}: agree like those that are kept, and show their secret in no form`, () => {
      for (const algorithm of ['ML-KEM-768', 'ML-KEM-1024', 'X-Wing'] as const) {
        const pair = ephemeralKeyPair(algorithm, { provider })
        const { ciphertext, sharedSecret } = encapsulate(algorithm, pair.publicKey)
        expect(toHex(pair.decapsulate(ciphertext)), algorithm).to.equal(toHex(sharedSecret))
        expect(Object.keys(pair)).to.deep.equal(['publicKey', 'decapsulate'])
        expect(() => pair.decapsulate(ciphertext.subarray(1)))
          .to.throw('bytes')
          .with.property('code', 'pqc.ciphertext.length')
      }
      const pair = ephemeralChKemKeyPair({ provider })
      const { ciphertext, sharedSecret } = chKemEncapsulate(pair.publicKey, 'responder')
      expect(toHex(pair.decapsulate(ciphertext, 'responder'))).to.equal(toHex(sharedSecret))
      expect(toHex(pair.decapsulate(ciphertext, 'initiator'))).not.to.equal(toHex(sharedSecret))
      expect('seed' in pair).to.equal(false)
    })

    it(`${provider}: are different each time`, () => {
      const keys = Array.from({ length: 4 }, () => toHex(ephemeralChKemKeyPair({ provider }).publicKey))
      expect(new Set(keys).size).to.equal(4)
    })
  }
})

describe('CH-KEM encapsulation keys', () => {
  it('give a fresh secret at each use, which the owner opens', () => {
    const pair = generateChKemKeyPair()
    const key = ChKemEncapsulationKey.fromRaw(pair.publicKey)
    const made = [key.encapsulate('initiator'), key.encapsulate('initiator')]
    expect(toHex(made[0]!.ciphertext)).not.to.equal(toHex(made[1]!.ciphertext))
    for (const { ciphertext, sharedSecret } of made) {
      expect(toHex(pair.decapsulate(ciphertext, 'initiator'))).to.equal(toHex(sharedSecret))
    }
  })

  it('are copied, and refused where they are not keys', () => {
    const raw = generateChKemKeyPair().publicKey
    const key = ChKemEncapsulationKey.fromRaw(raw)
    raw.fill(0xff)
    expect(key.encapsulate('initiator').ciphertext).to.have.length(1600)
    const code = (bytes: Uint8Array): unknown => {
      try {
        return ChKemEncapsulationKey.fromRaw(bytes).encapsulate('initiator')
      } catch (error) {
        return (error as { code?: string }).code
      }
    }
    expect(code(raw.subarray(1))).to.equal('pqc.key.length')
    expect(code(raw)).to.equal('pqc.key.invalid')
    const lowOrder = generateChKemKeyPair().publicKey.slice()
    lowOrder.fill(0, 0, 32)
    expect(code(lowOrder)).to.equal('pqc.x25519.low-order')
  })
})

describe('CH-KEM-v1: one ephemeral X25519 key for several encapsulations', () => {
  it('gives each owner a secret of its own, and whoever generates the key pair may use its key, too', () => {
    for (const provider of PROVIDERS) {
      const own = ephemeralChKemKeyPair({ provider })
      for (const ephemeral of [ChKemEphemeral.generate({ provider }), own.ephemeral]) {
        const owners = [generateChKemKeyPair(undefined, { provider }), generateChKemKeyPair(undefined, { provider })]
        const keys = owners.map(({ publicKey }) => ChKemEncapsulationKey.fromRaw(publicKey, { provider }))
        const once = chKemEncapsulate(owners[0]!.publicKey, 'initiator', { provider }, ephemeral)
        const made = [...keys.map((key) => key.encapsulate('initiator', ephemeral)), once]
        const x25519 = made.map(({ ciphertext }) => toHex(ciphertext.subarray(0, 32)))
        expect(new Set(x25519)).to.deep.equal(new Set([toHex(ephemeral.x25519.publicKey)]))
        expect(new Set(made.map(({ ciphertext }) => toHex(ciphertext.subarray(32)))).size).to.equal(3)
        const secrets = made.map(({ sharedSecret }) => toHex(sharedSecret))
        expect(new Set(secrets).size).to.equal(3)
        const opened = made.map(({ ciphertext }, n) => owners[n % 2]!.decapsulate(ciphertext, 'initiator'))
        expect(opened.map((secret) => toHex(secret))).to.deep.equal(secrets)
        expect(toHex(owners[0]!.decapsulate(made[0]!.ciphertext, 'responder'))).not.to.equal(secrets[0])
      }
      expect(toHex(own.ephemeral.x25519.publicKey)).to.equal(toHex(own.publicKey.subarray(0, 32)))
    }
  })

  it('gives who asks the secrets of both legs as they are, X25519 first', () => {
    for (const provider of PROVIDERS) {
      const seed = run(0, 96)
      const owner = generateChKemKeyPair(seed, { provider })
      const { ciphertext, sharedSecret } = ChKemEncapsulationKey.fromRaw(owner.publicKey, {
        provider,
      }).encapsulateLegs()
      expect(toHex(owner.decapsulateLegs(ciphertext))).to.equal(toHex(sharedSecret))
      const x25519 = generateX25519(seed.subarray(0, 32)).agree(ciphertext.subarray(0, 32))
      const mlKem = generateKemKeyPair('ML-KEM-1024', seed.subarray(32)).decapsulate(ciphertext.subarray(32))
      expect(toHex(sharedSecret)).to.equal(toHex(x25519) + toHex(mlKem))
      // What the combiner makes of them is CH-KEM's secret.
      const transcript = chKemTranscript(
        owner.publicKey.subarray(0, 32),
        owner.publicKey.subarray(32),
        ciphertext.subarray(0, 32),
        ciphertext.subarray(32),
        'initiator',
      )
      const combined = chKemKdf('CH-KEM-v1-SharedSecret', [x25519, mlKem, transcript], 32)
      expect(toHex(owner.decapsulate(ciphertext, 'initiator'))).to.equal(toHex(combined))
      expect(() => owner.decapsulateLegs(ciphertext.subarray(1))).to.throw(DecodeError)
      expect(() => owner.decapsulateLegs(Uint8Array.of(...new Uint8Array(32), ...ciphertext.subarray(32)))).to.throw(
        AuthError,
      )
    }
  })

  it('refuses points of low order as ever, also after the same key has been agreed with before', () => {
    const ephemeral = ChKemEphemeral.generate()
    const good = generateChKemKeyPair().publicKey
    const low = good.slice()
    low.fill(0, 0, 32)
    for (let round = 0; round < 2; round++) {
      expect(() => ChKemEncapsulationKey.fromRaw(low).encapsulate('initiator', ephemeral)).to.throw(AuthError)
      ChKemEncapsulationKey.fromRaw(good).encapsulate('initiator', ephemeral)
    }
  })
})
