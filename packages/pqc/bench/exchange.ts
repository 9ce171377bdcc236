import { SigningKey, chKemEncapsulate, generateChKemKeyPair } from '@gridseal/pqc'
import type { Report } from '../../../test/support/bench.ts'
import { perCpuSecond } from './measure.ts'

/** One CH-KEM exchange, and signatures on the thread pool by wall clock. */
export async function handshakes(report: Report): Promise<void> {
  for (const provider of ['native', 'noble'] as const) {
    const exchange = (): void => {
      const key = generateChKemKeyPair(undefined, { provider })
      const { ciphertext } = chKemEncapsulate(key.publicKey, 'responder', { provider })
      key.decapsulate(ciphertext, 'responder')
    }
    const value = Math.round(perCpuSecond(exchange))
    const figure = { case: `generate, encapsulate, decapsulate, ${provider}`, metric: 'rate', value, unit: 'ops/CPU-s' }
    report({ suite: 'pqc.CH-KEM-v1', ...figure, runs: 3 })
  }
  const key = SigningKey.generate('ML-DSA-65', { provider: 'native' })
  const message = new Uint8Array(256)
  const start = performance.now()
  let count = 0
  const worker = async (): Promise<void> => {
    for (; performance.now() - start < 400; count++) await key.sign(message)
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  const value = Math.round((count * 1000) / (performance.now() - start))
  const figure = { case: 'sign on the thread pool, native, 4 under way', metric: 'rate', value, unit: 'ops/s', runs: 1 }
  report({ suite: 'pqc.ML-DSA-65', ...figure })
}
