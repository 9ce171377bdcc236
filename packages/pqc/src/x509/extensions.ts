import { BER, BerReader, DecodeError, UsageError, contextConstructed, contextTag } from '@gridseal/wire'
import type { BerWriter } from '@gridseal/wire'
import { readNameConstraints, writeNameConstraints } from './name-constraints.ts'
import type { NameConstraints, ReadNameConstraints } from './name-constraints.ts'
import { EXTENDED_KEY_USAGES, EXTENSIONS, KEY_USAGES, SHA256_OID } from './oids.ts'
import type { ExtendedKeyUsage, KeyUsage } from './oids.ts'

/** A name of a subject beside its distinguished name (RFC 5280 4.2.1.6). */
export type AltName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'other'; readonly value: Uint8Array }

/** What the extensions of a certificate say; what is absent is undefined. */
export interface CertificateExtensions {
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength: number | undefined }
  readonly keyUsage?: readonly KeyUsage[]
  /** Names of those that are known, object identifiers of the others. */
  readonly extendedKeyUsage?: readonly string[]
  readonly subjectAltName?: readonly AltName[]
  readonly subjectKeyIdentifier?: Uint8Array
  readonly authorityKeyIdentifier?: Uint8Array
  /** URIs of revocation lists. */
  readonly crlDistributionPoints?: readonly string[]
  /** SHA-256 of a certificate of the same subject with another algorithm (RFC 9763). */
  readonly relatedCertificate?: Uint8Array
  /** SubjectPublicKeyInfo of the subject's other key, of another algorithm (X.509 9.8.2). */
  readonly subjectAltPublicKeyInfo?: Uint8Array
  /** Of a CA: which names it may certify. */
  readonly nameConstraints?: NameConstraints
}

export interface ReadExtensions extends CertificateExtensions {
  readonly nameConstraints?: ReadNameConstraints
  /** Object identifiers of critical extensions that are not known: who verifies must refuse. */
  readonly unknownCritical: readonly string[]
}

/** More names or extensions than any device has: a certificate that costs time. */
const MAX_ENTRIES = 256

const ALT_TAGS = { email: contextTag(1), dns: contextTag(2), uri: contextTag(6), ip: contextTag(7) } as const

/** Reads SEQUENCE OF Extension. Throws `DecodeError`, among its codes `pqc.x509.duplicate` and `pqc.x509.limit`. */
export function readExtensions(list: BerReader): ReadExtensions {
  const found: { -readonly [K in keyof ReadExtensions]?: ReadExtensions[K] } = {}
  const unknownCritical: string[] = []
  const seen = new Set<string>()
  while (!list.atEnd) {
    const extension = list.enter(BER.SEQUENCE, 'extension')
    const oid = extension.oid('extnID')
    const critical = extension.is(BER.BOOLEAN) ? extension.boolean('critical') : false
    const value = extension.contents(BER.OCTET_STRING, 'extnValue')
    const at = extension.offset - value.length
    extension.expectEnd('extension')
    if (seen.has(oid)) throw extension.error('pqc.x509.duplicate', 'extnID', `extension ${oid} comes twice`)
    seen.add(oid)
    if (seen.size > MAX_ENTRIES) throw extension.error('pqc.x509.limit', 'extensions', 'too many extensions')
    const reader = BerReader.of(value, { der: true }, at)
    switch (oid) {
      case EXTENSIONS.basicConstraints:
        found.basicConstraints = readBasicConstraints(reader)
        break
      case EXTENSIONS.keyUsage:
        found.keyUsage = readKeyUsage(reader)
        break
      case EXTENSIONS.extendedKeyUsage:
        found.extendedKeyUsage = readExtendedKeyUsage(reader)
        break
      case EXTENSIONS.subjectAltName:
        found.subjectAltName = readAltNames(reader)
        break
      case EXTENSIONS.subjectKeyIdentifier:
        found.subjectKeyIdentifier = reader.contents(BER.OCTET_STRING, 'subjectKeyIdentifier')
        break
      case EXTENSIONS.authorityKeyIdentifier: {
        const id = readAuthorityKey(reader)
        if (id !== undefined) found.authorityKeyIdentifier = id
        break
      }
      case EXTENSIONS.crlDistributionPoints:
        found.crlDistributionPoints = readDistributionPoints(reader)
        break
      case EXTENSIONS.relatedCertificate: {
        const hash = readRelated(reader)
        if (hash !== undefined) found.relatedCertificate = hash
        break
      }
      case EXTENSIONS.subjectAltPublicKeyInfo:
        found.subjectAltPublicKeyInfo = reader.element('subjectAltPublicKeyInfo')
        break
      case EXTENSIONS.nameConstraints:
        found.nameConstraints = readNameConstraints(reader)
        break
      default:
        if (critical) unknownCritical.push(oid)
        continue
    }
    reader.expectEnd('extnValue')
  }
  return { ...found, unknownCritical }
}

/** Writes the extensions that are given, in a fixed order. */
export function writeExtensions(writer: BerWriter, e: CertificateExtensions): void {
  writer.constructed(BER.SEQUENCE, (list) => {
    const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName, crlDistributionPoints } = e
    if (basicConstraints !== undefined) {
      extension(list, 'basicConstraints', true, (w) =>
        w.constructed(BER.SEQUENCE, (s) => {
          if (!basicConstraints.ca) return
          s.boolean(true)
          if (basicConstraints.pathLength !== undefined) s.integer(basicConstraints.pathLength)
        }),
      )
    }
    if (keyUsage !== undefined) extension(list, 'keyUsage', true, (w) => writeKeyUsage(w, keyUsage))
    if (extendedKeyUsage !== undefined) {
      extension(list, 'extendedKeyUsage', false, (w) =>
        w.constructed(BER.SEQUENCE, (s) => {
          for (const name of extendedKeyUsage) s.oid(EXTENDED_KEY_USAGES[name as ExtendedKeyUsage] ?? name)
        }),
      )
    }
    if (subjectAltName !== undefined) {
      extension(list, 'subjectAltName', false, (w) =>
        w.constructed(BER.SEQUENCE, (s) => {
          for (const name of subjectAltName) writeAltName(s, name)
        }),
      )
    }
    if (crlDistributionPoints !== undefined) {
      extension(list, 'crlDistributionPoints', false, (w) =>
        w.constructed(BER.SEQUENCE, (s) => {
          for (const uri of crlDistributionPoints) s.constructed(BER.SEQUENCE, (p) => writePointName(p, uri))
        }),
      )
    }
    const { subjectKeyIdentifier: subject, authorityKeyIdentifier: authority, relatedCertificate: related } = e
    const { nameConstraints: constraints, subjectAltPublicKeyInfo: other } = e
    if (constraints !== undefined) {
      extension(list, 'nameConstraints', true, (w) => writeNameConstraints(w, constraints))
    }
    if (other !== undefined) extension(list, 'subjectAltPublicKeyInfo', false, (w) => w.raw(other))
    if (subject !== undefined) extension(list, 'subjectKeyIdentifier', false, (w) => w.octetString(subject))
    if (authority !== undefined) {
      extension(list, 'authorityKeyIdentifier', false, (w) =>
        w.constructed(BER.SEQUENCE, (s) => s.octetString(authority, contextTag(0))),
      )
    }
    if (related !== undefined) {
      extension(list, 'relatedCertificate', false, (w) =>
        w.constructed(BER.SEQUENCE, (s) => s.constructed(BER.SEQUENCE, (a) => a.oid(SHA256_OID)).octetString(related)),
      )
    }
  })
}

/** One Extension. */
export function extension(
  list: BerWriter,
  name: keyof typeof EXTENSIONS,
  critical: boolean,
  value: (writer: BerWriter) => void,
): void {
  list.constructed(BER.SEQUENCE, (w) => {
    w.oid(EXTENSIONS[name])
    if (critical) w.boolean(true)
    w.wrapping(BER.OCTET_STRING, value)
  })
}

/** [0] distributionPoint { [0] fullName { uri } }, of CRLDistributionPoints and of IssuingDistributionPoint. */
export function writePointName(writer: BerWriter, uri: string): void {
  writer.constructed(contextConstructed(0), (point) =>
    point.constructed(contextConstructed(0), (names) => names.text(uri, ALT_TAGS.uri)),
  )
}

/** The URI of {@link writePointName}, if that is its form. */
export function readPointName(reader: BerReader): string | undefined {
  if (!reader.is(contextConstructed(0))) return undefined
  const point = reader.enter(contextConstructed(0), 'distributionPoint')
  if (!point.is(contextConstructed(0))) return undefined
  const names = point.enter(contextConstructed(0), 'fullName')
  return names.is(ALT_TAGS.uri) ? names.text('uri', ALT_TAGS.uri) : undefined
}

function readBasicConstraints(reader: BerReader): { ca: boolean; pathLength: number | undefined } {
  const sequence = reader.enter(BER.SEQUENCE, 'basicConstraints')
  const ca = sequence.is(BER.BOOLEAN) ? sequence.boolean('cA') : false
  const pathLength = sequence.is(BER.INTEGER) ? sequence.integer('pathLenConstraint') : undefined
  sequence.expectEnd('basicConstraints')
  if (pathLength !== undefined && (pathLength < 0 || !ca)) {
    throw sequence.error('pqc.x509.constraints', 'pathLenConstraint', 'only a CA has a path length, of 0 or more')
  }
  return { ca, pathLength }
}

function readKeyUsage(reader: BerReader): KeyUsage[] {
  const { bytes } = reader.bitString('keyUsage')
  return KEY_USAGES.filter((_, i) => ((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0)
}

function writeKeyUsage(writer: BerWriter, usages: readonly KeyUsage[]): void {
  const bits = new Uint8Array(2)
  let last = -1
  for (const [i, name] of KEY_USAGES.entries()) {
    if (!usages.includes(name)) continue
    bits[i >> 3]! |= 0x80 >> (i & 7)
    last = i
  }
  // DER leaves out zero bits at the end of a named bit list (X.690 11.2.2).
  writer.bitString(bits.subarray(0, (last >> 3) + 1), last < 0 ? 0 : 7 - (last & 7))
}

function readExtendedKeyUsage(reader: BerReader): string[] {
  const sequence = reader.enter(BER.SEQUENCE, 'extKeyUsage')
  const usages: string[] = []
  while (!sequence.atEnd) {
    const oid = sequence.oid('keyPurposeId')
    usages.push(Object.entries(EXTENDED_KEY_USAGES).find(([, value]) => value === oid)?.[0] ?? oid)
    if (usages.length > MAX_ENTRIES) throw sequence.error('pqc.x509.limit', 'extKeyUsage', 'too many usages')
  }
  return usages
}

function readAltNames(reader: BerReader): AltName[] {
  const sequence = reader.enter(BER.SEQUENCE, 'subjectAltName')
  const names: AltName[] = []
  while (!sequence.atEnd) {
    if (names.length >= MAX_ENTRIES) {
      throw sequence.error('pqc.x509.limit', 'subjectAltName', `more than ${MAX_ENTRIES} names`)
    }
    const tag = sequence.peekTag('subjectAltName')
    if (tag === ALT_TAGS.ip) names.push({ type: 'ip', value: sequence.contents(tag, 'iPAddress') })
    else if (tag === ALT_TAGS.dns) names.push({ type: 'dns', value: sequence.text('dNSName', tag) })
    else if (tag === ALT_TAGS.email) names.push({ type: 'email', value: sequence.text('rfc822Name', tag) })
    else if (tag === ALT_TAGS.uri) names.push({ type: 'uri', value: sequence.text('uri', tag) })
    else names.push({ type: 'other', value: sequence.element('generalName') })
  }
  return names
}

function writeAltName(writer: BerWriter, name: AltName): void {
  if (name.type === 'other') {
    throw new UsageError('pqc.x509.alt-name', 'names of type "other" are read, not written')
  }
  if (name.type === 'ip') {
    if (name.value.length !== 4 && name.value.length !== 16) {
      throw new UsageError('pqc.x509.alt-name', 'an IP address has 4 or 16 bytes')
    }
    writer.octetString(name.value, ALT_TAGS.ip)
    return
  }
  if (!/^[\x21-\x7e]+$/.test(name.value)) {
    throw new UsageError('pqc.x509.alt-name', `"${name.value}" is not ASCII without spaces`)
  }
  writer.text(name.value, ALT_TAGS[name.type])
}

function readAuthorityKey(reader: BerReader): Uint8Array | undefined {
  const sequence = reader.enter(BER.SEQUENCE, 'authorityKeyIdentifier')
  const id = sequence.is(contextTag(0)) ? sequence.contents(contextTag(0), 'keyIdentifier') : undefined
  while (!sequence.atEnd) sequence.skip('authorityCert')
  return id
}

function readDistributionPoints(reader: BerReader): string[] {
  const sequence = reader.enter(BER.SEQUENCE, 'crlDistributionPoints')
  const uris: string[] = []
  while (!sequence.atEnd) {
    const uri = readPointName(sequence.enter(BER.SEQUENCE, 'distributionPoint'))
    if (uri !== undefined) uris.push(uri)
    if (uris.length > MAX_ENTRIES) throw sequence.error('pqc.x509.limit', 'crlDistributionPoints', 'too many')
  }
  return uris
}

/** The hash, where it is SHA-256. */
function readRelated(reader: BerReader): Uint8Array | undefined {
  const sequence = reader.enter(BER.SEQUENCE, 'relatedCertificate')
  const identifier = sequence.enter(BER.SEQUENCE, 'hashAlgorithm')
  const oid = identifier.oid('hashAlgorithm')
  const hash = sequence.contents(BER.OCTET_STRING, 'hashValue')
  while (!sequence.atEnd) sequence.skip('uri')
  if (oid !== SHA256_OID) return undefined
  if (hash.length !== 32) throw new DecodeError('pqc.x509.related', sequence.offset, 'hashValue', 'must be 32 bytes')
  return hash
}
