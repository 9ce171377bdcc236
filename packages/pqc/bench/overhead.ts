import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate as nodeDecapsulate,
  encapsulate as nodeEncapsulate,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto'
import { AeadKey, DecapsulationKey, EncapsulationKey, SigningKey } from '@gridseal/pqc'
import type { Report } from '../../../test/support/bench.ts'
import { overheadPercent } from './measure.ts'

const MESSAGE = new Uint8Array(256).fill(0x5a)

/** What our API costs beside node:crypto called directly with imported keys. The limit is 5 %. */
export function overhead(report: Report): void {
  const measure = (name: string, theirs: () => unknown, ours: () => unknown, rounds: number): void => {
    const value = Number(overheadPercent(theirs, ours, rounds).toFixed(1))
    report({ suite: 'pqc.overhead', case: name, metric: 'over node:crypto', value, unit: '%', runs: rounds })
  }
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    const type = algorithm.toLowerCase() as 'ml-dsa-65'
    const key = SigningKey.fromSeed(algorithm, new Uint8Array(32), { provider: 'native' })
    const raw = createPrivateKey({ key: Buffer.alloc(32), format: 'raw-seed', asymmetricKeyType: type })
    const rawPublic = createPublicKey(raw)
    const signature = nodeSign(null, MESSAGE, raw)
    measure(
      `${algorithm} sign`,
      () => nodeSign(null, MESSAGE, raw),
      () => key.signSync(MESSAGE),
      4000,
    )
    measure(
      `${algorithm} verify`,
      () => nodeVerify(null, MESSAGE, rawPublic, signature),
      () => key.publicKey.verify(MESSAGE, signature),
      2000,
    )
  }
  for (const algorithm of ['ML-KEM-768', 'ML-KEM-1024'] as const) {
    const type = algorithm.toLowerCase() as 'ml-kem-768'
    const key = DecapsulationKey.fromSeed(algorithm, new Uint8Array(64), { provider: 'native' })
    const peer = EncapsulationKey.fromRaw(algorithm, key.publicKey, { provider: 'native' })
    const raw = createPrivateKey({ key: Buffer.alloc(64), format: 'raw-seed', asymmetricKeyType: type })
    const rawPublic = createPublicKey(raw)
    const { ciphertext } = nodeEncapsulate(rawPublic)
    measure(
      `${algorithm} encapsulate`,
      () => nodeEncapsulate(rawPublic),
      () => peer.encapsulate(),
      4000,
    )
    measure(
      `${algorithm} decapsulate`,
      () => nodeDecapsulate(raw, ciphertext),
      () => key.decapsulate(ciphertext),
      4000,
    )
  }
  for (const mode of ['aes-256-gcm', 'chacha20-poly1305'] as const) aead(mode as 'aes-256-gcm', measure)
}

type Measure = (name: string, theirs: () => unknown, ours: () => unknown, rounds: number) => void

function aead(mode: 'aes-256-gcm', measure: Measure): void {
  const bytes = Buffer.alloc(32, 3)
  const object = createSecretKey(bytes)
  const key = new AeadKey(mode === 'aes-256-gcm' ? 'AES-256-GCM' : 'ChaCha20-Poly1305', bytes)
  const [nonce, aad] = [new Uint8Array(12), new Uint8Array(8)]
  for (const size of [256, 4096]) {
    const plaintext = new Uint8Array(size)
    const sealed = key.seal(nonce, plaintext, aad)
    measure(
      `${key.algorithm} seal ${size}`,
      () => {
        const cipher = createCipheriv(mode, object, nonce, { authTagLength: 16 })
        cipher.setAAD(aad)
        return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      },
      () => key.seal(nonce, plaintext, aad),
      20_000,
    )
    measure(
      `${key.algorithm} open ${size}`,
      () => {
        const decipher = createDecipheriv(mode, object, nonce, { authTagLength: 16 })
        decipher.setAAD(aad).setAuthTag(sealed.subarray(size))
        return Buffer.concat([decipher.update(sealed.subarray(0, size)), decipher.final()])
      },
      () => key.open(nonce, sealed, aad),
      20_000,
    )
  }
}
