import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'

/** A seed that a key in a token has wrapped (AES-256-GCM), as it lies in a file. */
export interface WrappedSeed<A extends AlgorithmName = AlgorithmName> {
  readonly version: 1
  readonly algorithm: A
  /** COSE Key Thumbprint of the public key, of a KEM key SHA-256 of its SubjectPublicKeyInfo; in hex. */
  readonly kid: string
  readonly purpose: string
  /** CKA_ID of the wrapping key, in hex. */
  readonly kek: string
  readonly nonce: string
  /** Ciphertext and tag, in hex. */
  readonly sealed: string
}

/**
 * What is authenticated with the seed: a wrapped seed cannot be taken for that of another key, algorithm, purpose or
 * wrapping key. Each field is preceded by its length.
 */
export function wrapAad({ version, algorithm, kid, purpose, kek }: Omit<WrappedSeed, 'nonce' | 'sealed'>): Uint8Array {
  const fields = ['gridseal wrapped seed', String(version), algorithm, kid, purpose, kek]
  const parts = fields.flatMap((field) => {
    const bytes = Buffer.from(field)
    return [Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]
  })
  return new Uint8Array(Buffer.concat(parts))
}

export function encodeWrappedSeed(seed: WrappedSeed): string {
  return `${JSON.stringify(seed, undefined, 1)}\n`
}

const HEX_FIELDS = ['kid', 'kek', 'nonce', 'sealed'] as const

/** Throws `DecodeError` `pqc.wrapped-seed.format`. */
export function decodeWrappedSeed<A extends AlgorithmName>(
  text: string,
  isAlgorithm: (name: unknown) => name is A,
): WrappedSeed<A> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new DecodeError('pqc.wrapped-seed.format', 0, 'wrapped seed', 'not JSON', {}, error)
  }
  const fields = (parsed ?? {}) as Readonly<Record<string, unknown>>
  const good =
    fields['version'] === 1 &&
    isAlgorithm(fields['algorithm']) &&
    typeof fields['purpose'] === 'string' &&
    HEX_FIELDS.every((name) => isHex(fields[name]))
  if (!good) throw new DecodeError('pqc.wrapped-seed.format', 0, 'wrapped seed', 'a field is missing or wrong')
  return fields as unknown as WrappedSeed<A>
}

function isHex(value: unknown): boolean {
  return (
    typeof value === 'string' && value.length % 2 === 0 && /^[0-9a-f]+$/.test(value) && toHex(fromHex(value)) === value
  )
}
