import { DecodeError } from '@gridseal/wire'
import type { AlgorithmInfo } from '../algorithms/info.ts'
import type { CertificateExtensions } from './extensions.ts'
import type { KeyUsage } from './oids.ts'

const ENCIPHERING: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'encipherOnly',
  'decipherOnly',
]

/**
 * Key usages that an algorithm can have: a KEM enciphers keys and nothing else (RFC 9935 5), ML-DSA and SLH-DSA never
 * encipher (RFC 9881 5, RFC 9909 6), nor do composites and Ed25519 (RFC 8410 5). Throws `DecodeError` `pqc.x509.usage`.
 */
export function checkProfile(algorithm: AlgorithmInfo, { keyUsage, basicConstraints }: CertificateExtensions): void {
  if (keyUsage !== undefined) {
    const wrong =
      algorithm.kind === 'kem'
        ? keyUsage.find((usage) => usage !== 'keyEncipherment')
        : algorithm.family === 'ECDSA'
          ? undefined
          : keyUsage.find((usage) => ENCIPHERING.includes(usage))
    if (wrong !== undefined) throw usage(`${algorithm.name} cannot be used for ${wrong}`)
    if (keyUsage.includes('keyCertSign') && basicConstraints?.ca !== true) {
      throw usage('keyCertSign without being a CA (RFC 5280 4.2.1.9)')
    }
  }
  if (algorithm.kind === 'kem' && basicConstraints?.ca === true) throw usage(`${algorithm.name} cannot sign: no CA`)
}

function usage(message: string): DecodeError {
  return new DecodeError('pqc.x509.usage', 0, 'keyUsage', message)
}
