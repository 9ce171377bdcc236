import { createHash } from 'node:crypto'
import { InternalError } from '@gridseal/wire'
import type { SignatureInfo, SimpleSignatureAlgorithm } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { ecdsaFromDer, ecdsaToDer } from '../keys/ecdsa-der.ts'
import type { SignOptions, SignatureImplementation, Signer, Verifier } from './provider.ts'

/*
 * Dual signatures as draft-ietf-lamps-pq-composite-sigs-19 builds them:
 *
 *   M'        = "CompositeAlgorithmSignatures2025" || label || len8(ctx) || ctx || PH(M)
 *   signature = ML-DSA(M', ctx = label) || classical(M')
 *
 * Keys are the ML-DSA key followed by the classical one. Both legs sign the label, so that neither can be taken out and
 * passed off as a signature of its own, and a signature is valid only if both legs are.
 */

const PREFIX = new TextEncoder().encode('CompositeAlgorithmSignatures2025')

type Legs = (leg: SimpleSignatureAlgorithm) => SignatureImplementation

export function compositeImplementation(info: SignatureInfo, legs: Legs): SignatureImplementation {
  const form = new CompositeForm(info)
  // Looked up at use: the table that holds both is still being built now.
  const pq = (): SignatureImplementation => legs(form.pq.name as SimpleSignatureAlgorithm)
  const classical = (): SignatureImplementation => legs(form.classical.name as SimpleSignatureAlgorithm)
  return {
    generate: () => joined(pq().generate(), classical().generate()),
    signer: (seed) => {
      const [first, second] = form.halves(seed, form.pq.seedLength)
      return new CompositeSigner(form, pq().signer(first), classical().signer(second))
    },
    verifier: (publicKey) => {
      const [first, second] = form.halves(publicKey, form.pq.publicKeyLength)
      return new CompositeVerifier(form, pq().verifier(first), classical().verifier(second))
    },
  }
}

/** The sizes, label and message form of one composite algorithm. */
export class CompositeForm {
  readonly pq: SignatureInfo
  readonly classical: SignatureInfo
  /** The ML-DSA context. */
  readonly label: Uint8Array
  readonly #hash: string

  constructor({ name, legs }: SignatureInfo) {
    if (legs === undefined) throw new InternalError('pqc.composite', `${name} is not a composite algorithm`)
    this.pq = signatureInfo(legs[0])
    this.classical = signatureInfo(legs[1])
    this.label = new TextEncoder().encode(`COMPSIG-${name}`)
    this.#hash = name.endsWith('-SHA256') ? 'sha256' : 'sha512'
  }

  /** M' of a message. */
  message(message: Uint8Array, options: SignOptions | undefined): Uint8Array {
    const context = options?.context ?? new Uint8Array(0)
    const digest = createHash(this.#hash).update(message).digest()
    return joined(PREFIX, this.label, Uint8Array.of(context.length), context, digest)
  }

  signature(pq: Uint8Array, classical: Uint8Array): Uint8Array {
    return joined(pq, this.classical.family === 'ECDSA' ? ecdsaToDer(classical) : classical)
  }

  /** The two signatures; undefined where the second is no signature of its kind. */
  split(signature: Uint8Array): readonly [Uint8Array, Uint8Array] | undefined {
    const [first, rest] = this.halves(signature, this.pq.signatureLength)
    const { family, signatureLength } = this.classical
    const second = family === 'ECDSA' ? ecdsaFromDer(rest, signatureLength / 2) : rest
    return second?.length === signatureLength ? [first, second] : undefined
  }

  halves(bytes: Uint8Array, at: number): [Uint8Array, Uint8Array] {
    return [bytes.subarray(0, at), bytes.subarray(at)]
  }
}

/** The legs may come from different places: an ML-DSA seed here, an ECDSA key in a token. */
export class CompositeSigner implements Signer {
  readonly publicKey: Uint8Array
  readonly #form: CompositeForm
  readonly #pq: Signer
  readonly #classical: Signer

  constructor(form: CompositeForm, pq: Signer, classical: Signer) {
    this.#form = form
    this.#pq = pq
    this.#classical = classical
    this.publicKey = joined(pq.publicKey, classical.publicKey)
  }

  async sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array> {
    const toSign = this.#form.message(message, options)
    const [pq, classical] = await Promise.all([
      this.#pq.sign(toSign, { context: this.#form.label }),
      this.#classical.sign(toSign),
    ])
    return this.#form.signature(pq, classical)
  }

  signSync(message: Uint8Array, options?: SignOptions): Uint8Array {
    const toSign = this.#form.message(message, options)
    const pq = this.#pq.signSync(toSign, { context: this.#form.label })
    return this.#form.signature(pq, this.#classical.signSync(toSign))
  }
}

class CompositeVerifier implements Verifier {
  readonly #form: CompositeForm
  readonly #pq: Verifier
  readonly #classical: Verifier

  constructor(form: CompositeForm, pq: Verifier, classical: Verifier) {
    this.#form = form
    this.#pq = pq
    this.#classical = classical
  }

  verify(message: Uint8Array, signature: Uint8Array, options?: SignOptions): boolean {
    const parts = this.#form.split(signature)
    if (parts === undefined) return false
    const signed = this.#form.message(message, options)
    const pq = this.#pq.verify(signed, parts[0], { context: this.#form.label })
    const classical = this.#classical.verify(signed, parts[1])
    return pq && classical
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
