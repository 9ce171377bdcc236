import { hash } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from '../symmetric/bytes.ts'

/*
 * The hash constructions of CH-KEM. Every input is preceded by its length in four bytes, so that no two lists of
 * inputs give the same bytes. Inputs are joined first: one call into the provider costs less than a hash object with
 * two updates for each input. Some are secrets, so the joined copy is overwritten.
 */

const MAX_OUTPUT = 2 ** 20
const LENGTH = 4
const UTF8 = new TextEncoder()

/** TH: SHA3-256 over the number of components and each with its length. 32 bytes. */
export function transcriptHash(...components: readonly Uint8Array[]): Uint8Array {
  const joined = new Joined(LENGTH + prefixedLength(components))
  joined.count(components.length)
  for (const component of components) joined.prefixed(component)
  return joined.digest((bytes) => hash('sha3-256', bytes, 'buffer'))
}

/** KDF: SHAKE256 over the domain and a counted list of inputs. Throws `UsageError` `pqc.argument.range`. */
export function chKemKdf(domain: string, inputs: readonly Uint8Array[], length: number): Uint8Array {
  needCount(length, 1, MAX_OUTPUT, 'length')
  const label = UTF8.encode(domain)
  const joined = new Joined(2 * LENGTH + label.length + prefixedLength(inputs))
  joined.prefixed(label)
  joined.count(inputs.length)
  for (const input of inputs) joined.prefixed(input)
  return joined.digest((bytes) => shake(bytes, length))
}

/** KDF1: like {@link chKemKdf} with one input and without the count, as Quantum-Go derives handshake keys. */
export function chKemKdf1(domain: string, input: Uint8Array, length: number): Uint8Array {
  needCount(length, 1, MAX_OUTPUT, 'length')
  const inputs = [UTF8.encode(domain), input]
  const joined = new Joined(prefixedLength(inputs))
  for (const bytes of inputs) joined.prefixed(bytes)
  return joined.digest((bytes) => shake(bytes, length))
}

function shake(bytes: Uint8Array, outputLength: number): Uint8Array {
  return hash('shake256', bytes, { outputEncoding: 'buffer', outputLength })
}

function prefixedLength(inputs: readonly Uint8Array[]): number {
  let length = 0
  for (const input of inputs) {
    needBytes(input, 'input')
    length += LENGTH + input.length
  }
  return length
}

/** Bytes that are written one after the other, hashed, and overwritten. */
class Joined {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(length: number) {
    this.#bytes = new Uint8Array(length)
  }

  count(value: number): void {
    this.#bytes[this.#at++] = value >>> 24
    this.#bytes[this.#at++] = value >>> 16
    this.#bytes[this.#at++] = value >>> 8
    this.#bytes[this.#at++] = value
  }

  prefixed(bytes: Uint8Array): void {
    this.count(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  digest(of: (bytes: Uint8Array) => Uint8Array): Uint8Array {
    const digest = plainBytes(of(this.#bytes))
    this.#bytes.fill(0)
    return digest
  }
}
