import { hash } from 'node:crypto'
import { fromHex } from '@gridseal/wire'
import type { SignatureInfo } from '../algorithms/info.ts'
import type { Provider, SignatureImplementation, Signer } from '../providers/provider.ts'
import type { AlgorithmTest } from './algorithm-test.ts'
import { KEY_ANSWERS, STORED_SIGNATURES } from './known-answers.ts'
import type { StoredSignature } from './known-answers.ts'

const MESSAGE = new TextEncoder().encode('gridseal-kat')

/** Known-answer tests of a signature algorithm: key derivation, verification, and signing by verifying. */
export function signatureTests(
  info: SignatureInfo,
  implementation: SignatureImplementation,
  provider: Provider,
): readonly AlgorithmTest[] {
  const key = KEY_ANSWERS[info.name]
  const signer = once((): Signer => implementation.signer(fromHex(key.privateKey)))
  const tests: AlgorithmTest[] = [
    {
      name: 'public key of a private key',
      source: key.source,
      run: () => hash('sha256', signer().publicKey) === key.publicKeyHash,
    },
  ]
  const stored = storedFor(info)
  if (stored !== undefined) tests.push(...verification(stored, provider))
  if (info.family === 'SLH-DSA') tests.push(slhDsaSigning(info, provider))
  else tests.push({ name: 'sign, then verify', source: 'round trip', run: () => roundTrip(implementation, signer()) })
  return tests
}

/** A good signature is taken and a bad one is not. */
function verification(stored: StoredSignature, provider: Provider): AlgorithmTest[] {
  const message = fromHex(stored.message)
  const signature = fromHex(stored.signature)
  const publicKey = fromHex(stored.publicKey)
  const verify = (bytes: Uint8Array): boolean =>
    provider.signature(stored.algorithm)!.verifier(publicKey).verify(message, bytes)
  return [
    { name: 'verify a known signature', source: stored.source, run: () => verify(signature) },
    {
      name: 'refuse a damaged signature',
      source: stored.source,
      run: () => {
        const damaged = signature.slice()
        damaged[damaged.length >> 1]! ^= 1
        return !verify(damaged)
      },
    },
  ]
}

/** The small sets take seconds to sign: one of each hash stands for its family (128s verifies, 128f signs). */
function storedFor(info: SignatureInfo): StoredSignature | undefined {
  const name = info.family === 'SLH-DSA' ? info.name.replace(/-\d+[sf]$/, '-128s') : info.name
  return STORED_SIGNATURES.find(({ algorithm }) => algorithm === name)
}

function slhDsaSigning(info: SignatureInfo, provider: Provider): AlgorithmTest {
  const fast = info.name.includes('SHA2') ? 'SLH-DSA-SHA2-128f' : 'SLH-DSA-SHAKE-128f'
  return {
    name: `sign, then verify (${fast} for its family)`,
    source: 'round trip',
    run: () => {
      const implementation = provider.signature(fast)!
      return roundTrip(implementation, implementation.signer(fromHex(KEY_ANSWERS[fast].privateKey)))
    },
  }
}

function roundTrip(implementation: SignatureImplementation, signer: Signer): boolean {
  const verifier = implementation.verifier(signer.publicKey)
  const signature = signer.signSync(MESSAGE)
  const other = Uint8Array.from([...MESSAGE, 0])
  return verifier.verify(MESSAGE, signature) && !verifier.verify(other, signature)
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
