import { hash } from 'node:crypto'
import { toHex } from '@gridseal/wire'
import type { KemInfo } from '../algorithms/info.ts'
import type { Decapsulator, KemImplementation } from '../providers/provider.ts'
import type { AlgorithmTest } from './algorithm-test.ts'
import { KEM_ANSWERS } from './known-answers.ts'

/** Known-answer tests of a KEM, all with the all-zero seed. */
export function kemTests(info: KemInfo, implementation: KemImplementation): readonly AlgorithmTest[] {
  const { publicKeyHash, rejectSecret, source } = KEM_ANSWERS[info.name]
  let imported: Decapsulator | undefined
  const key = (): Decapsulator => (imported ??= implementation.decapsulator(new Uint8Array(info.seedLength)))
  const tests: AlgorithmTest[] = [
    {
      name: 'public key of the zero seed',
      source,
      run: () => hash('sha256', key().publicKey) === publicKeyHash,
    },
    {
      name: 'encapsulate and decapsulate agree',
      source: 'round trip',
      run: () => {
        const { ciphertext, sharedSecret } = implementation.encapsulator(key().publicKey).encapsulate()
        return Buffer.compare(key().decapsulate(ciphertext), sharedSecret) === 0
      },
    },
  ]
  if (rejectSecret !== undefined) {
    tests.push({
      name: 'implicit rejection of the zero ciphertext',
      source,
      run: () => toHex(key().decapsulate(new Uint8Array(info.ciphertextLength))) === rejectSecret,
    })
  }
  return tests
}
