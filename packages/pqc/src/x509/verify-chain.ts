import { AuthError, UsageError } from '@gridseal/wire'
import { needKnown } from '../check.ts'
import { currentPolicy } from '../policy/module-state.ts'
import type { Policy } from '../policy/policy.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import type { Certificate } from './certificate.ts'
import { needDate } from './asn1.ts'
import { matchesHost } from './host.ts'
import { constraintViolation } from './name-constraints.ts'
import type { ExtendedKeyUsage, KeyUsage } from './oids.ts'
import type { RevocationList } from './revocation-list.ts'

/** Certificates of a path, the leaf and the root among them. */
const MAX_PATH = 8
/** Signatures that are checked at most for one leaf: a heap of intermediates must not cost time. */
const MAX_SIGNATURES = 32

export interface ChainOptions {
  readonly now: Date
  /** Trust anchors. Believed because they are given: their own signatures are not checked. */
  readonly roots: readonly Certificate[]
  /** What the peer sent beside the leaf, in any order. */
  readonly intermediates?: readonly Certificate[]
  /** Key usage that the leaf must have. Default: `digitalSignature`, for ML-KEM `keyEncipherment`. */
  readonly usage?: KeyUsage
  /** Extended key usage that the leaf and its CAs must allow where they are limited. */
  readonly purpose?: ExtendedKeyUsage
  /** A DNS name, IP address or URI that must be among the leaf's alternative names. */
  readonly host?: string
  /** Lists to be consulted. With `requireRevocation` every certificate below a root must be covered by a current one. */
  readonly revocationLists?: readonly RevocationList[]
  readonly requireRevocation?: boolean
  /** SHA-256 of certificates; one of the path must be among them. */
  readonly pins?: readonly Uint8Array[]
  /** Default: the one in force. */
  readonly policy?: Policy
}

const OPTIONS: readonly (keyof ChainOptions)[] = [
  'now',
  'roots',
  'intermediates',
  'usage',
  'purpose',
  'host',
  'revocationLists',
  'requireRevocation',
  'pins',
  'policy',
]

/** A path from a leaf to a root that was believed. */
export interface VerifiedChain {
  /** The leaf first, the root last. */
  readonly path: readonly Certificate[]
}

/**
 * Builds and checks a path (RFC 5280 6): signatures, times, CA flags and path lengths, usages, names, revocation, pins,
 * policy.
 * Throws {@link AuthError} with a code for the first reason: `pqc.cert.untrusted`, `.signature`, `.expired`,
 * `.not-yet-valid`, `.not-a-ca`, `.path-length`, `.usage`, `.purpose`, `.critical`, `.host`, `.name-constraints`, `.revoked`,
 * `.revocation-unknown`, `.pin`, `pqc.policy.refused`; and `UsageError` `pqc.option.unknown`. The work is bounded whatever
 * the peer sends.
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): VerifiedChain {
  needKnown(options, OPTIONS)
  needDate(options.now, 'now')
  if (options.roots.length === 0) throw new UsageError('pqc.cert.no-roots', 'no root is given to trust')
  checkCertificate(leaf, options)
  const usage = options.usage ?? (leaf.keyAlgorithm.kind === 'kem' ? 'keyEncipherment' : 'digitalSignature')
  if (!leaf.allows(usage)) throw refuse('usage', leaf, `it may not be used for ${usage}`)
  if (options.host !== undefined && !matchesHost(leaf.extensions.subjectAltName ?? [], options.host)) {
    throw refuse('host', leaf, `it is not for ${options.host}`)
  }
  const path = new PathFinder(options).find(leaf)
  checkNames(path)
  if (options.pins !== undefined) checkPins(path, options.pins)
  // That one is revoked says more than that another may be.
  const [open] = path.slice(0, -1).filter((certificate, i) => !isCovered(certificate, path[i + 1]!, options))
  if (options.requireRevocation === true && open !== undefined) {
    throw refuse('revocation-unknown', open, 'no current revocation list covers it')
  }
  return { path }
}

/** Searches depth first, one certificate at most once, within the limits. */
class PathFinder {
  readonly #options: ChainOptions
  #signatures = 0
  #reason: AuthError | undefined

  constructor(options: ChainOptions) {
    this.#options = options
  }

  find(leaf: Certificate): readonly Certificate[] {
    const root = this.#options.roots.find((candidate) => equalBytes(candidate.der, leaf.der))
    if (root !== undefined) return [root]
    const path = this.#extend([leaf])
    if (path !== undefined) return path
    throw this.#reason ?? refuse('untrusted', leaf, `no path to a root: its issuer is ${leaf.issuer.text}`)
  }

  #extend(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const last = path[path.length - 1]!
    for (const root of this.#options.roots) if (this.#isIssuer(last, root, path, false)) return [...path, root]
    if (path.length + 1 >= MAX_PATH) {
      this.#note(refuse('path-length', path[0]!, `the path is longer than ${MAX_PATH} certificates`))
      return undefined
    }
    for (const issuer of this.#options.intermediates ?? []) {
      // A loop leads nowhere; one certificate is tried once in a path.
      if (path.some((certificate) => equalBytes(certificate.der, issuer.der))) continue
      if (!this.#isIssuer(last, issuer, path, true)) continue
      const found = this.#extend([...path, issuer])
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Names and identifiers first, signatures last: those cost. */
  #isIssuer(subject: Certificate, issuer: Certificate, path: readonly Certificate[], check: boolean): boolean {
    if (!equalBytes(subject.issuer.der, issuer.subject.der)) return false
    const [wanted, has] = [subject.extensions.authorityKeyIdentifier, issuer.extensions.subjectKeyIdentifier]
    if (wanted !== undefined && has !== undefined && !equalBytes(wanted, has)) return false
    try {
      if (check) checkCertificate(issuer, this.#options)
      else checkTime(issuer, this.#options.now)
      checkCa(issuer, path)
      if (issuer.keyAlgorithm.kind !== 'signature') throw refuse('not-a-ca', issuer, 'its key cannot sign')
      if (++this.#signatures > MAX_SIGNATURES) throw refuse('untrusted', path[0]!, 'too many signatures to check')
      if (subject.isSignedBy(issuer.publicKey())) return true
      throw refuse('signature', subject, `its signature is not that of ${issuer.subject.text}`)
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      this.#note(error)
      return false
    }
  }

  /** The first reason is told; the later ones are of detours. */
  #note(reason: AuthError): void {
    this.#reason ??= reason
  }
}

/** What every certificate must be, at this time and under this policy. */
function checkCertificate(certificate: Certificate, { now, policy, purpose }: ChainOptions): void {
  checkTime(certificate, now)
  const { unknownCritical, extendedKeyUsage } = certificate.extensions
  if (unknownCritical.length > 0) {
    throw refuse('critical', certificate, `its critical extension ${unknownCritical[0]} is not known`)
  }
  if (purpose !== undefined && extendedKeyUsage !== undefined && !extendedKeyUsage.includes(purpose)) {
    throw refuse('purpose', certificate, `it may not be used for ${purpose}`)
  }
  ;(policy ?? currentPolicy()).demand(certificate.signatureAlgorithm, 'verify', now.getTime())
}

function checkTime(certificate: Certificate, now: Date): void {
  if (now < certificate.notBefore) {
    throw refuse('not-yet-valid', certificate, `it is valid from ${certificate.notBefore.toISOString()}`)
  }
  if (now > certificate.notAfter) {
    throw refuse('expired', certificate, `it was valid until ${certificate.notAfter.toISOString()}`)
  }
}

/** `below` are the certificates under it, the leaf first; those issued by themselves do not count (RFC 5280 6.1.4 l). */
function checkCa(issuer: Certificate, below: readonly Certificate[]): void {
  if (!issuer.isCa || !issuer.allows('keyCertSign')) throw refuse('not-a-ca', issuer, 'it may not issue certificates')
  const limit = issuer.extensions.basicConstraints?.pathLength
  const between = below.slice(1).filter(({ subject, issuer: by }) => !equalBytes(subject.der, by.der)).length
  if (limit !== undefined && between > limit) {
    throw refuse('path-length', issuer, `it allows ${limit} CAs below it, not ${between}`)
  }
}

/** Each CA's constraints bind all below it but CAs that issued themselves (RFC 5280 6.1.3 b, c). */
function checkNames(path: readonly Certificate[]): void {
  path.forEach((issuer, i) => {
    const constraints = issuer.extensions.nameConstraints
    if (constraints === undefined) return
    path.slice(0, i).forEach((certificate, below) => {
      const { subject, extensions } = certificate
      if (below > 0 && equalBytes(subject.der, certificate.issuer.der)) return
      const violation = constraintViolation(constraints, subject, extensions.subjectAltName ?? [])
      if (violation !== undefined) throw refuse('name-constraints', certificate, violation)
    })
  })
}

function checkPins(path: readonly Certificate[], pins: readonly Uint8Array[]): void {
  const pinned = path.some(({ fingerprint }) => pins.some((pin) => equalBytes(pin, fingerprint)))
  if (!pinned) throw refuse('pin', path[0]!, 'no certificate of its path is pinned')
}

/** Whether a current list of the issuer covers the certificate's shard. Throws {@link AuthError} where one revokes it. */
function isCovered(certificate: Certificate, issuer: Certificate, options: ChainOptions): boolean {
  const shards = certificate.extensions.crlDistributionPoints
  const covering = (options.revocationLists ?? []).filter(
    (list) =>
      equalBytes(list.issuer.der, certificate.issuer.der) &&
      (list.shard === undefined || shards?.includes(list.shard) === true),
  )
  let current = false
  for (const list of covering) {
    if (list.unknownCritical.length > 0 || !issuer.allows('cRLSign') || !list.isSignedBy(issuer.publicKey())) {
      throw refuse('revocation-list', certificate, 'a revocation list of its issuer is not valid')
    }
    const date = list.revokedAt(certificate.serial)
    if (date !== undefined) throw refuse('revoked', certificate, `it was revoked on ${date.toISOString()}`)
    current ||= list.thisUpdate <= options.now && options.now <= list.nextUpdate
  }
  return current
}

function refuse(reason: string, certificate: Certificate, message: string): AuthError {
  const { subject, serial } = certificate
  const details = { subject: subject.text, serial }
  return new AuthError(`pqc.cert.${reason}`, `the certificate of "${subject.text}" is refused: ${message}`, details)
}
