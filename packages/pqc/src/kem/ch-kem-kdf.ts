import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from '../symmetric/bytes.ts'

/*
 * The hash constructions of CH-KEM. Every input is preceded by its length in four bytes, so that no two lists of
 * inputs give the same bytes.
 */

const MAX_OUTPUT = 2 ** 20
const UTF8 = new TextEncoder()

/** TH: SHA3-256 over the number of components and each with its length. 32 bytes. */
export function transcriptHash(...components: readonly Uint8Array[]): Uint8Array {
  const state = createHash('sha3-256').update(u32(components.length))
  for (const component of components) prefixed(state, component)
  return plainBytes(state.digest())
}

/** KDF: SHAKE256 over the domain and a counted list of inputs. Throws `UsageError` `pqc.argument.range`. */
export function chKemKdf(domain: string, inputs: readonly Uint8Array[], length: number): Uint8Array {
  const state = prefixed(shake(length), UTF8.encode(domain)).update(u32(inputs.length))
  for (const input of inputs) prefixed(state, input)
  return plainBytes(state.digest())
}

/** KDF1: like {@link chKemKdf} with one input and without the count, as Quantum-Go derives handshake keys. */
export function chKemKdf1(domain: string, input: Uint8Array, length: number): Uint8Array {
  return plainBytes(prefixed(prefixed(shake(length), UTF8.encode(domain)), input).digest())
}

function shake(outputLength: number): Hash {
  needCount(outputLength, 1, MAX_OUTPUT, 'length')
  return createHash('shake256', { outputLength })
}

/** Hashes the length and the bytes. No joined copy is made: some inputs are secrets. */
function prefixed(state: Hash, bytes: Uint8Array): Hash {
  needBytes(bytes, 'input')
  return state.update(u32(bytes.length)).update(bytes)
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
