import type { AlgorithmName, KemAlgorithm, MlDsaAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'
import { compositeImplementation } from './composite.ts'
import { hybridKem } from './hybrid-kem.ts'
import { NativeEcdh, NativeX25519 } from './native/agreement.ts'
import { nativeMlKem } from './native/kems.ts'
import { nativeEcdsa, nativeMlDsa, nativeRaw } from './native/signatures.ts'
import type { Agreement, GroupName, KemImplementation, Provider, SignatureImplementation } from './provider.ts'

/** node:crypto on OpenSSL 3.5: everything but Falcon and hashing first. */
export const native: Provider = {
  name: 'native',
  signature: (algorithm) => SIGNATURE_TABLE.get(algorithm),
  kem: (algorithm) => KEM_TABLE.get(algorithm),
  agreement,
}

const SIGNATURE_TABLE: ReadonlyMap<AlgorithmName, SignatureImplementation> = new Map<
  SignatureAlgorithm,
  SignatureImplementation
>(
  SIGNATURES.flatMap((info): [SignatureAlgorithm, SignatureImplementation][] => {
    switch (info.family) {
      case 'ML-DSA':
        return [[info.name, nativeMlDsa(info.name as MlDsaAlgorithm)]]
      case 'SLH-DSA':
      case 'EdDSA':
        return [[info.name, nativeRaw(info.name as 'Ed25519')]]
      case 'ECDSA':
        return [[info.name, nativeEcdsa(info.name as 'ECDSA-P256')]]
      case 'Falcon':
        return []
      case 'composite':
        return [[info.name, compositeImplementation(info, (leg) => native.signature(leg)!)]]
    }
  }),
)

const KEM_TABLE: ReadonlyMap<AlgorithmName, KemImplementation> = new Map<KemAlgorithm, KemImplementation>([
  ['ML-KEM-512', nativeMlKem('ML-KEM-512')],
  ['ML-KEM-768', nativeMlKem('ML-KEM-768')],
  ['ML-KEM-1024', nativeMlKem('ML-KEM-1024')],
  ...(['X-Wing', 'MLKEM768-P256', 'MLKEM1024-P384'] as const).map((name): [KemAlgorithm, KemImplementation] => [
    name,
    hybridKem(name, (leg) => native.kem(leg)!, agreement),
  ]),
])

function agreement(group: GroupName, secret?: Uint8Array): Agreement {
  return group === 'X25519' ? new NativeX25519(secret) : new NativeEcdh(group, secret)
}
