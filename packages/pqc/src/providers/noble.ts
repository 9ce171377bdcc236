import type {
  AlgorithmName,
  KemAlgorithm,
  MlDsaAlgorithm,
  SignatureAlgorithm,
  SlhDsaAlgorithm,
} from '../algorithms/info.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'
import { compositeImplementation } from './composite.ts'
import { hybridKem } from './hybrid-kem.ts'
import { nobleAgreement, nobleEcdsa, nobleEd25519 } from './noble/classical.ts'
import { nobleMlKem } from './noble/kems.ts'
import { nobleFalcon, nobleMlDsa, nobleSlhDsa } from './noble/signatures.ts'
import type { KemImplementation, Provider, SignatureImplementation } from './provider.ts'

/** @noble/post-quantum and @noble/curves: everything, slowly. */
export const noble: Provider = {
  name: 'noble',
  signature: (algorithm) => SIGNATURE_TABLE.get(algorithm),
  kem: (algorithm) => KEM_TABLE.get(algorithm),
  agreement: nobleAgreement,
}

const SIGNATURE_TABLE: ReadonlyMap<AlgorithmName, SignatureImplementation> = new Map<
  SignatureAlgorithm,
  SignatureImplementation
>(
  SIGNATURES.map((info): [SignatureAlgorithm, SignatureImplementation] => {
    switch (info.family) {
      case 'ML-DSA':
        return [info.name, nobleMlDsa(info.name as MlDsaAlgorithm)]
      case 'SLH-DSA':
        return [info.name, nobleSlhDsa(info.name as SlhDsaAlgorithm)]
      case 'Falcon':
        return [info.name, nobleFalcon(info.name as 'Falcon-512')]
      case 'EdDSA':
        return [info.name, nobleEd25519]
      case 'ECDSA':
        return [info.name, nobleEcdsa(info.name as 'ECDSA-P256')]
      case 'composite':
        return [info.name, compositeImplementation(info, (leg) => noble.signature(leg)!)]
    }
  }),
)

const KEM_TABLE: ReadonlyMap<AlgorithmName, KemImplementation> = new Map<KemAlgorithm, KemImplementation>([
  ['ML-KEM-512', nobleMlKem('ML-KEM-512')],
  ['ML-KEM-768', nobleMlKem('ML-KEM-768')],
  ['ML-KEM-1024', nobleMlKem('ML-KEM-1024')],
  ...(['X-Wing', 'MLKEM768-P256', 'MLKEM1024-P384'] as const).map((name): [KemAlgorithm, KemImplementation] => [
    name,
    hybridKem(name, (leg) => noble.kem(leg)!, nobleAgreement),
  ]),
])
