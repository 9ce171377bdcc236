import { ALGORITHMS, algorithmInfo } from '@gridseal/pqc'
import type { AlgorithmName, SignatureAlgorithm } from '@gridseal/pqc'
import { OUTPUT_FORMATS } from './peer.ts'
import type { OpenSsl } from './peer.ts'

/*
 * What OpenSSL writes, as values: made anew by a peer that is there, or read from `fixtures/openssl`. Bytes are base64.
 */

export interface KeyRecord {
  readonly algorithm: AlgorithmName
  readonly publicKey: string
  /** PKCS#8 in the forms that the algorithm has. */
  readonly privateKey: Partial<Record<keyof typeof OUTPUT_FORMATS, string>>
}

export interface SignatureRecord {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: string
  readonly message: string
  readonly context: string
  readonly signature: string
}

export interface EncapsulationRecord {
  readonly algorithm: AlgorithmName
  readonly privateKey: string
  readonly ciphertext: string
  readonly sharedSecret: string
}

/** What both we and OpenSSL know. */
export const SHARED: readonly AlgorithmName[] = ALGORITHMS.map(({ name }) => name).filter((name) =>
  /^(ML-|SLH-DSA|Ed25519|ECDSA)/.test(name),
)

/** What OpenSSL calls the algorithm of a key. */
export function generation(algorithm: AlgorithmName): string[] {
  const curve = /^ECDSA-(P\d+)$/.exec(algorithm)?.[1]
  if (curve === undefined) return ['-algorithm', algorithm]
  return ['-algorithm', 'EC', '-pkeyopt', `group:${curve.replace('P', 'P-')}`]
}

/** The parameter that chooses the form of a private key. */
function formOf(algorithm: AlgorithmName, form: keyof typeof OUTPUT_FORMATS): string[] {
  const { family } = algorithmInfo(algorithm)
  if (family !== 'ML-DSA' && family !== 'ML-KEM') return []
  return ['-provparam', `${family.toLowerCase()}.output_formats=${OUTPUT_FORMATS[form]}`]
}

/** The forms that a private key of an algorithm has. */
export function formsOf(algorithm: AlgorithmName): (keyof typeof OUTPUT_FORMATS)[] {
  return algorithmInfo(algorithm).expandedLength > 0 ? ['seed', 'expanded', 'both'] : ['seed']
}

export function recordKey(openssl: OpenSsl, algorithm: AlgorithmName): KeyRecord {
  openssl.write('key.der', openssl.run(['genpkey', ...generation(algorithm), '-outform', 'DER']))
  const privateKey = Object.fromEntries(
    formsOf(algorithm).map((form) => [form, base64(rewritten(openssl, algorithm, form))]),
  )
  const publicKey = openssl.run(['pkey', '-in', 'key.der', '-pubout', '-outform', 'DER'])
  return { algorithm, publicKey: base64(publicKey), privateKey }
}

/** The private key in the file `key.der` as OpenSSL writes it. */
export function rewritten(openssl: OpenSsl, algorithm: AlgorithmName, form: keyof typeof OUTPUT_FORMATS): Buffer {
  return openssl.run(['pkcs8', '-topk8', '-nocrypt', '-in', 'key.der', '-outform', 'DER', ...formOf(algorithm, form)])
}

export function recordSignature(openssl: OpenSsl, key: KeyRecord, context: string): SignatureRecord {
  const message = 'open breaker 52-1'
  openssl.write('key.der', bytes(key.privateKey.seed!))
  openssl.write('message', message)
  const sign = ['pkeyutl', '-sign', '-rawin', '-in', 'message', '-inkey', 'key.der', '-keyform', 'DER']
  const under = context === '' ? [] : ['-pkeyopt', `context-string:${context}`]
  const signature = openssl.run([...sign, ...digestOf(key.algorithm), ...under])
  const { algorithm, publicKey } = key
  return {
    algorithm: algorithm as SignatureAlgorithm,
    publicKey,
    message,
    context,
    signature: base64(signature),
  }
}

/** The hash that our ECDSA has with each curve; the tool takes SHA-256 with all. */
export function digestOf(algorithm: AlgorithmName): string[] {
  if (!algorithm.startsWith('ECDSA')) return []
  return ['-digest', algorithm === 'ECDSA-P256' ? 'sha256' : 'sha384']
}

export function recordEncapsulation(openssl: OpenSsl, key: KeyRecord): EncapsulationRecord {
  openssl.write('public.der', bytes(key.publicKey))
  const encap = ['pkeyutl', '-encap', '-pubin', '-inkey', 'public.der', '-keyform', 'DER']
  openssl.run([...encap, '-secret', 'secret', '-out', 'ciphertext'])
  return {
    algorithm: key.algorithm,
    privateKey: key.privateKey.seed!,
    ciphertext: base64(openssl.read('ciphertext')),
    sharedSecret: base64(openssl.read('secret')),
  }
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64')
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
