import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ALGORITHMS,
  AeadKey,
  DecapsulationKey,
  EncapsulationKey,
  PublicKeyCache,
  SigningKey,
  generateX25519,
  providerSupports,
} from '@gridseal/pqc'
import type { KemInfo, ProviderName, SignatureInfo } from '@gridseal/pqc'
import type { Report } from '../../../test/support/bench.ts'
import { SHARED_VECTORS } from '../../../test/support/requirements.ts'
import { perCpuSecond } from './measure.ts'

const MESSAGE = new Uint8Array(256).fill(0x5a)
const SLOW = process.env['GRIDSEAL_SLOW'] === '1'

/** Every algorithm with every provider that has it, in operations per CPU-second. */
export function algorithms(report: Report): void {
  for (const info of ALGORITHMS) {
    for (const provider of ['native', 'noble'] as const) {
      if (!providerSupports(provider, info.name)) continue
      const rate = (operation: string, work: () => unknown): void => {
        const value = Number(perCpuSecond(work).toPrecision(3))
        const name = `${operation}, ${provider}`
        const versus = provider === 'noble' ? { versus: `${operation}, native` } : {}
        report({ suite: `pqc.${info.name}`, case: name, metric: 'rate', value, unit: 'ops/CPU-s', runs: 3, ...versus })
      }
      if (info.kind === 'signature') signature(info, provider, rate)
      else kem(info, provider, rate)
    }
  }
  symmetric(report)
  cache(report)
}

type Rate = (operation: string, work: () => unknown) => void

function signature({ name }: SignatureInfo, provider: ProviderName, rate: Rate): void {
  // Seconds for one signature in JavaScript.
  if (provider === 'noble' && /\ds$/.test(name) && !SLOW) {
    const key = SigningKey.generate(name, { provider: 'native' })
    const made = key.signSync(MESSAGE)
    const verifier = SigningKey.fromSeed(name, key.toSeed(), { provider }).publicKey
    rate('verify', () => verifier.verify(MESSAGE, made))
    return
  }
  const key = SigningKey.generate(name, { provider })
  const made = key.signSync(MESSAGE)
  const messages = messagesOf(name)
  let turn = 0
  rate('sign', () => key.signSync(messages[turn++ % messages.length]!))
  rate('verify', () => key.publicKey.verify(MESSAGE, made))
  // With the pairwise test: what a new key costs.
  if (!/\ds$/.test(name)) rate('generate and check', () => SigningKey.generate(name, { provider }))
}

/** ML-DSA signs by rejection: over these messages it takes the average number of turns (CCTV). */
function messagesOf(name: string): readonly Uint8Array[] {
  const file = join(SHARED_VECTORS, `cctv/${name}.json`)
  if (!name.startsWith('ML-DSA') || !existsSync(file)) return [MESSAGE]
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => new TextEncoder().encode(text))
}

function kem({ name }: KemInfo, provider: ProviderName, rate: Rate): void {
  const key = DecapsulationKey.generate(name, { provider })
  const peer = EncapsulationKey.fromRaw(name, key.publicKey, { provider })
  const { ciphertext } = peer.encapsulate()
  rate('generate and check', () => DecapsulationKey.generate(name, { provider }))
  rate('import', () => EncapsulationKey.fromRaw(name, key.publicKey, { provider }))
  rate('encapsulate', () => peer.encapsulate())
  rate('decapsulate', () => key.decapsulate(ciphertext))
}

function symmetric(report: Report): void {
  const [nonce, aad, plaintext] = [new Uint8Array(12), new Uint8Array(8), new Uint8Array(256)]
  for (const provider of ['native', 'noble'] as const) {
    for (const algorithm of ['AES-256-GCM', 'ChaCha20-Poly1305'] as const) {
      const key = new AeadKey(algorithm, new Uint8Array(32), { provider })
      const sealed = key.seal(nonce, plaintext, aad)
      for (const [operation, work] of [
        ['seal 256', () => key.seal(nonce, plaintext, aad)],
        ['open 256', () => key.open(nonce, sealed, aad)],
      ] as const) {
        const value = Number(perCpuSecond(work).toPrecision(3))
        const figure = { case: `${operation}, ${provider}`, metric: 'rate', value, unit: 'ops/CPU-s', runs: 3 }
        report({ suite: `pqc.${algorithm}`, ...figure })
      }
    }
    const [a, b] = [generateX25519(undefined, { provider }), generateX25519(undefined, { provider })]
    const value = Number(perCpuSecond(() => a.agree(b.publicKey)).toPrecision(3))
    report({ suite: 'pqc.X25519', case: `agree, ${provider}`, metric: 'rate', value, unit: 'ops/CPU-s', runs: 3 })
  }
}

/** A known public key out of a cache of a thousand; the limit is 2 µs. */
function cache(report: Report): void {
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    const keys = new PublicKeyCache(1000)
    const raws = Array.from({ length: 200 }, (_, i) => {
      const seed = new Uint8Array(32)
      seed[0] = i
      return SigningKey.fromSeed(algorithm, seed).publicKey.raw.slice()
    })
    for (const raw of raws) keys.verifyingKey(algorithm, raw)
    let turn = 0
    const rate = perCpuSecond(() => keys.verifyingKey(algorithm, raws[turn++ % raws.length]!))
    const figure = {
      case: `${algorithm}, known key`,
      metric: 'time',
      value: Number((1e6 / rate).toFixed(2)),
      unit: 'µs',
    }
    report({ suite: 'pqc.cache', ...figure, runs: 3 })
  }
}
