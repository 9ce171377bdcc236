import { hash } from 'node:crypto'
import { needBytes, needCount } from '../check.ts'
import { plainBytes } from '../symmetric/bytes.ts'
import { Gate } from '../symmetric/gate.ts'
import { publicDigest } from '../symmetric/hash.ts'

/*
 * The hash constructions of CH-KEM. Every input is preceded by its length in four bytes, so that no two lists of
 * inputs give the same bytes. Inputs are joined first: one call into the provider costs less than a hash object with
 * two updates for each input. Some are secrets, so the joined copy is overwritten at once.
 */

const SHA_3 = new Gate('SHA-3')
const SHAKE = new Gate('SHAKE')
const MAX_OUTPUT = 2 ** 20
const LENGTH = 4
const UTF8 = new TextEncoder()

/** Labels are few and used again and again; whoever makes them up pays for each. */
const LABELS = 256
const labels = new Map<string, Uint8Array>()

function labelBytes(domain: string): Uint8Array {
  const known = labels.get(domain)
  if (known !== undefined) return known
  const bytes = UTF8.encode(domain)
  if (labels.size < LABELS) labels.set(domain, bytes)
  return bytes
}

/** TH: SHA3-256 over the number of components and each with its length. 32 bytes. For public components only. */
export function transcriptHash(...components: readonly Uint8Array[]): Uint8Array {
  SHA_3.pass()
  const bytes = room(LENGTH + prefixedLength(components))
  let at = writeCount(bytes, 0, components.length)
  for (const component of components) at = writePrefixed(bytes, at, component)
  return publicDigest('sha3-256', bytes, 32)
}

/** KDF: SHAKE256 over the domain and a counted list of inputs. Throws `UsageError` `pqc.argument.range`. */
export function chKemKdf(domain: string, inputs: readonly Uint8Array[], length: number): Uint8Array {
  needCount(length, 1, MAX_OUTPUT, 'length')
  SHAKE.pass()
  const label = labelBytes(domain)
  const bytes = room(2 * LENGTH + label.length + prefixedLength(inputs))
  let at = writeCount(bytes, writePrefixed(bytes, 0, label), inputs.length)
  for (const input of inputs) at = writePrefixed(bytes, at, input)
  return wiped(bytes, shake(bytes, length))
}

/** KDF1: like {@link chKemKdf} with one input and without the count, as Quantum-Go derives handshake keys. */
export function chKemKdf1(domain: string, input: Uint8Array, length: number): Uint8Array {
  needCount(length, 1, MAX_OUTPUT, 'length')
  SHAKE.pass()
  const label = labelBytes(domain)
  const bytes = room(LENGTH + label.length + prefixedLength([input]))
  writePrefixed(bytes, writePrefixed(bytes, 0, label), input)
  return wiped(bytes, shake(bytes, length))
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

/** Holds what is joined for one hash: key and transcript of a handshake fit. */
const SCRATCH = new Uint8Array(4096)

function room(length: number): Uint8Array {
  return length <= SCRATCH.length ? SCRATCH.subarray(0, length) : new Uint8Array(length)
}

function wiped(bytes: Uint8Array, digest: Uint8Array): Uint8Array {
  bytes.fill(0)
  return plainBytes(digest)
}

/** Where what follows a count begins. */
function writeCount(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
  return at + LENGTH
}

/** Where what follows bytes with their length begins. */
function writePrefixed(target: Uint8Array, at: number, bytes: Uint8Array): number {
  const start = writeCount(target, at, bytes.length)
  target.set(bytes, start)
  return start + bytes.length
}
