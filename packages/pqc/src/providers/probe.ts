import { hash } from 'node:crypto'
import type { AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import type { Provider } from './provider.ts'

/** SHA-256 of the public key that FIPS 203/204 key generation derives from the all-zero seed. */
const ZERO_SEED_KEYS: Readonly<Record<AlgorithmName, string>> = {
  'ML-DSA-44': 'eb4e7302842153b0fa19e8620739ad258af4929c26dd89079a7ec7d4282208e1',
  'ML-DSA-65': '085ba380ff386dd52e42349c6eb88489d6058ea541a4e3fb0dce9a3fd1f7a911',
  'ML-DSA-87': '1d4a461707fc50a7ec93a9c02454778a8b82321ca460eea345e7bbfaff38a3aa',
  'ML-KEM-768': 'f95c185fe5b2335d2fc938dd889c6425944acd74376b6952bf1130f720f6ba99',
  'ML-KEM-1024': '29e3692e1c08422f548ca7e683e89015482c09a5442f8d2ead471c3931a5ee76',
}

/**
 * Tries a provider: derives the key of the all-zero seed, compares it with the known answer and uses it once (sign
 * and verify, or encapsulate and decapsulate). False if anything is missing or wrong.
 */
export function probe(provider: Provider, algorithm: AlgorithmName): boolean {
  try {
    const info = algorithmInfo(algorithm)
    const seed = new Uint8Array(info.seedLength)
    const known = (publicKey: Uint8Array): boolean => hash('sha256', publicKey) === ZERO_SEED_KEYS[algorithm]
    if (info.kind === 'signature') {
      const signer = provider.signatures.signer(info.name, seed)
      const verifier = provider.signatures.verifier(info.name, signer.publicKey)
      return known(signer.publicKey) && verifier.verify(seed, signer.signSync(seed))
    }
    const decapsulator = provider.kems.decapsulator(info.name, seed)
    const { ciphertext, sharedSecret } = provider.kems.encapsulator(info.name, decapsulator.publicKey).encapsulate()
    return known(decapsulator.publicKey) && Buffer.compare(decapsulator.decapsulate(ciphertext), sharedSecret) === 0
  } catch {
    return false
  }
}
