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
import type { CipherKey } from 'node:crypto'
import {
  AeadKey,
  ALGORITHMS,
  SigningKey,
  chKemEncapsulate,
  encapsulate,
  generateChKemKeyPair,
  generateKemKeyPair,
} from '@gridseal/pqc'
import type { MlDsaAlgorithm, MlKemAlgorithm, ProviderName } from '@gridseal/pqc'
import type { Figure } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'

const RUNS = 3
const WINDOW_MS = 90
const PROVIDERS: readonly ProviderName[] = ['native', 'noble']
const MESSAGE = new Uint8Array(256).fill(0x5a)

type Report = (suite: string, name: string, value: number, versus?: string) => void

/** Signatures, KEMs and AEAD: our API on both providers beside node:crypto called directly, all in one run. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const rate: Report = (suite, name, value, versus) => {
    const figure = { suite, case: name, metric: 'rate', value: Math.round(value), unit: 'ops/s', runs: RUNS }
    report(versus === undefined ? figure : { ...figure, versus })
  }
  for (const size of [256, 4096]) aead(size, rate)
  chKem(rate)
  for (const info of ALGORITHMS) {
    if (info.family === 'ML-DSA') await signatures(info.name as MlDsaAlgorithm, rate)
    if (info.family === 'ML-KEM') kems(info.name as MlKemAlgorithm, rate)
  }
}

async function signatures(algorithm: MlDsaAlgorithm, report: Report): Promise<void> {
  const suite = `pqc.${algorithm.toLowerCase()}`
  const raw = createPrivateKey({ key: Buffer.alloc(32), format: 'raw-seed', asymmetricKeyType: keyType(algorithm) })
  const rawPublic = createPublicKey(raw)
  const signature = nodeSign(null, MESSAGE, raw)
  report(
    suite,
    'sign, node:crypto',
    perSecond(() => nodeSign(null, MESSAGE, raw)),
  )
  report(
    suite,
    'verify, node:crypto',
    perSecond(() => nodeVerify(null, MESSAGE, rawPublic, signature)),
  )
  for (const provider of PROVIDERS) {
    const key = SigningKey.fromSeed(algorithm, new Uint8Array(32), { provider })
    report(
      suite,
      `sign, ${provider}`,
      perSecond(() => key.signSync(MESSAGE)),
      'sign, node:crypto',
    )
    report(
      suite,
      `verify, ${provider}`,
      perSecond(() => key.publicKey.verify(MESSAGE, signature)),
      'verify, node:crypto',
    )
  }
  const key = SigningKey.fromSeed(algorithm, new Uint8Array(32), { provider: 'native' })
  report(
    suite,
    'sign on the thread pool, native, 4 under way',
    await perSecondAsync(4, () => key.sign(MESSAGE)),
    'sign, node:crypto',
  )
}

function kems(algorithm: MlKemAlgorithm, report: Report): void {
  const suite = `pqc.${algorithm.toLowerCase()}`
  const raw = createPrivateKey({ key: Buffer.alloc(64), format: 'raw-seed', asymmetricKeyType: keyType(algorithm) })
  const rawPublic = createPublicKey(raw)
  const { ciphertext } = nodeEncapsulate(rawPublic)
  report(
    suite,
    'encapsulate, node:crypto with an imported key',
    perSecond(() => nodeEncapsulate(rawPublic)),
  )
  report(
    suite,
    'decapsulate, node:crypto',
    perSecond(() => nodeDecapsulate(raw, ciphertext)),
  )
  for (const provider of PROVIDERS) {
    const key = generateKemKeyPair(algorithm, new Uint8Array(64), { provider })
    report(
      suite,
      `generate, ${provider}`,
      perSecond(() => generateKemKeyPair(algorithm, undefined, { provider })),
    )
    report(
      suite,
      `encapsulate with import, ${provider}`,
      perSecond(() => encapsulate(algorithm, key.publicKey, { provider })),
      'encapsulate, node:crypto with an imported key',
    )
    report(
      suite,
      `decapsulate, ${provider}`,
      perSecond(() => key.decapsulate(ciphertext)),
      'decapsulate, node:crypto',
    )
  }
}

function chKem(report: Report): void {
  for (const provider of PROVIDERS) {
    const exchange = (): void => {
      const key = generateChKemKeyPair(undefined, { provider })
      const { ciphertext } = chKemEncapsulate(key.publicKey, 'responder', { provider })
      key.decapsulate(ciphertext, 'responder')
    }
    report('pqc.ch-kem-v1', `generate, encapsulate and decapsulate, ${provider}`, perSecond(exchange))
  }
}

function aead(size: number, report: Report): void {
  const suite = `pqc.aes-256-gcm.${size}`
  const bytes = Buffer.alloc(32, 3)
  const object = createSecretKey(bytes)
  const nonce = new Uint8Array(12)
  const aad = new Uint8Array(8)
  const plaintext = new Uint8Array(size)
  const key = new AeadKey('AES-256-GCM', bytes)
  const sealed = key.seal(nonce, plaintext, aad)
  const seal = (secret: CipherKey): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 })
    cipher.setAAD(aad)
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }
  const open = (): Buffer => {
    const decipher = createDecipheriv('aes-256-gcm', object, nonce, { authTagLength: 16 })
    decipher.setAAD(aad).setAuthTag(sealed.subarray(size))
    return Buffer.concat([decipher.update(sealed.subarray(0, size)), decipher.final()])
  }
  report(
    suite,
    'seal, node:crypto with a KeyObject',
    perSecond(() => seal(object)),
  )
  report(
    suite,
    'seal, node:crypto with a raw key',
    perSecond(() => seal(bytes)),
    'seal, node:crypto with a KeyObject',
  )
  report(
    suite,
    'seal, AeadKey',
    perSecond(() => key.seal(nonce, plaintext, aad)),
    'seal, node:crypto with a KeyObject',
  )
  report(suite, 'open, node:crypto with a KeyObject', perSecond(open))
  report(
    suite,
    'open, AeadKey',
    perSecond(() => key.open(nonce, sealed, aad)),
    'open, node:crypto with a KeyObject',
  )
}

function keyType<Name extends MlDsaAlgorithm | MlKemAlgorithm>(name: Name): Lowercase<Name> {
  return name.toLowerCase() as Lowercase<Name>
}

/** Median over the runs, after one run to warm up. */
function perSecond(work: () => unknown): number {
  return median(
    Array.from({ length: RUNS + 1 }, () => {
      const start = performance.now()
      let count = 0
      let elapsed = 0
      for (; elapsed < WINDOW_MS; elapsed = performance.now() - start) {
        work()
        count++
      }
      return (count * 1000) / elapsed
    }).slice(1),
  )
}

async function perSecondAsync(underWay: number, work: () => Promise<unknown>): Promise<number> {
  const rates: number[] = []
  for (let i = 0; i <= RUNS; i++) {
    const start = performance.now()
    let count = 0
    const worker = async (): Promise<void> => {
      for (; performance.now() - start < WINDOW_MS; count++) await work()
    }
    await Promise.all(Array.from({ length: underWay }, worker))
    if (i > 0) rates.push((count * 1000) / (performance.now() - start))
  }
  return median(rates)
}
