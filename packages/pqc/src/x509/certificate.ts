import { BER, BerReader, BerWriter, DecodeError, UsageError, contextConstructed, contextTag } from '@gridseal/wire'
import type { AlgorithmInfo, SignatureAlgorithm } from '../algorithms/info.ts'
import { needBytes } from '../check.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { decodePem, encodePem } from '../keys/pem.ts'
import { decodeSpki } from '../keys/spki.ts'
import { VerifyingKey } from '../keys/verifying-key.ts'
import { randomBytes } from '../symmetric/bytes.ts'
import { sha256 } from '../symmetric/hash.ts'
import { needDate, readSigned, readTime, signX509, verifyX509, writeSignatureAlgorithm, writeTime } from './asn1.ts'
import { readSignatureAlgorithm } from './asn1.ts'
import { readExtensions, writeExtensions } from './extensions.ts'
import type { CertificateExtensions, ReadExtensions } from './extensions.ts'
import { readName, writeName } from './name.ts'
import type { Name, ReadName } from './name.ts'
import type { KeyUsage } from './oids.ts'
import { checkProfile } from './profile.ts'

/** More than any certificate of ours (SLH-DSA-256f signs with 50 kB); what is larger is refused unread. */
const MAX_CERTIFICATE = 128 * 1024

/** An X.509 certificate (RFC 5280) of our algorithms. Immutable. What it says is not yet believed: see `verifyChain`. */
export class Certificate {
  readonly der: Uint8Array
  /** Positive, up to 20 octets, in hex. */
  readonly serial: string
  readonly issuer: ReadName
  readonly subject: ReadName
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: ReadExtensions
  readonly signatureAlgorithm: SignatureAlgorithm
  /** The subject's key algorithm: a signature algorithm or ML-KEM. */
  readonly keyAlgorithm: AlgorithmInfo
  /** The subject's SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly #signed: Uint8Array
  readonly #signature: Uint8Array

  private constructor(der: Uint8Array) {
    if (der.length > MAX_CERTIFICATE) {
      throw new DecodeError('pqc.x509.limit', 0, 'Certificate', `${der.length} bytes are no certificate`)
    }
    const { signed, algorithm, signature } = readSigned(BerReader.of(der, { der: true }), 'Certificate')
    const tbs = BerReader.of(signed, { der: true }, signed.byteOffset - der.byteOffset).enter(BER.SEQUENCE, 'tbs')
    const version = tbs.is(contextConstructed(0)) ? readVersion(tbs) : 0
    if (version !== 2) throw tbs.error('pqc.x509.version', 'version', `version ${version + 1} where 3 belongs`)
    this.serial = readSerial(tbs)
    const inner = readSignatureAlgorithm(tbs, 'signature')
    if (inner !== algorithm) {
      throw tbs.error('pqc.x509.algorithm', 'signature', `${inner} inside, ${algorithm} outside (RFC 5280 4.1.1.2)`)
    }
    this.issuer = readName(tbs, 'issuer')
    const validity = tbs.enter(BER.SEQUENCE, 'validity')
    this.notBefore = readTime(validity, 'notBefore')
    this.notAfter = readTime(validity, 'notAfter')
    validity.expectEnd('validity')
    this.subject = readName(tbs, 'subject')
    const spkiAt = tbs.offset
    this.spki = tbs.element('subjectPublicKeyInfo')
    this.keyAlgorithm = decodeAt(this.spki, spkiAt)
    for (const unique of [contextTag(1), contextTag(2)]) if (tbs.is(unique)) tbs.skip('uniqueID')
    this.extensions = tbs.atEnd ? { unknownCritical: [] } : readExtensionList(tbs)
    tbs.expectEnd('tbsCertificate')
    this.der = der
    this.signatureAlgorithm = algorithm
    this.#signed = signed
    this.#signature = signature
    checkProfile(this.keyAlgorithm, this.extensions)
  }

  /** Strict DER. Throws `DecodeError`. The bytes are copied. */
  static fromDer(der: Uint8Array): Certificate {
    needBytes(der, 'der')
    return new Certificate(Uint8Array.from(der))
  }

  /** Reads one `CERTIFICATE` block. */
  static fromPem(pem: string): Certificate {
    return new Certificate(decodePem(pem, 'CERTIFICATE'))
  }

  get isCa(): boolean {
    return this.extensions.basicConstraints?.ca === true
  }

  /** SHA-256 of the certificate: what pins name. */
  get fingerprint(): Uint8Array {
    return sha256(this.der)
  }

  /** The subject's key. Throws `UsageError` `pqc.key.kind` for an ML-KEM certificate, whose key is in {@link spki}. */
  publicKey(): VerifyingKey {
    if (this.keyAlgorithm.kind !== 'signature') {
      throw new UsageError('pqc.key.kind', `${this.keyAlgorithm.name} does not verify signatures`)
    }
    return VerifyingKey.fromSpki(this.spki)
  }

  /** Whether `key` signed it. False also where the algorithm is not that of the key. Throws `pqc.policy.refused`. */
  isSignedBy(key: VerifyingKey): boolean {
    return key.algorithm === this.signatureAlgorithm && verifyX509(key, this.#signed, this.#signature)
  }

  allows(usage: KeyUsage): boolean {
    return this.extensions.keyUsage?.includes(usage) ?? true
  }

  toPem(): string {
    return encodePem('CERTIFICATE', this.der)
  }

  toString(): string {
    return `Certificate(${this.subject.text}, ${this.keyAlgorithm.name})`
  }
}

export interface CertificateRequestData {
  readonly subject: Name
  /** SubjectPublicKeyInfo of the subject: `key.publicKey.toSpki()`. */
  readonly spki: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: CertificateExtensions
  /** Up to 20 octets. Default 16 random ones. */
  readonly serial?: Uint8Array
}

/** Who signs: the CA's certificate and key, or only a key and name for a self-signed one. */
export interface Issuer {
  readonly name: Name | ReadName
  readonly signer: MessageSigner
}

/**
 * Issues a certificate. Subject and authority key identifiers are added (RFC 7093 2, method 1). Throws `UsageError`
 * for values that cannot be written and `DecodeError` `pqc.x509.usage` for a usage that the key cannot have.
 */
export async function issueCertificate(data: CertificateRequestData, issuer: Issuer): Promise<Certificate> {
  needDate(data.notBefore, 'notBefore')
  needDate(data.notAfter, 'notAfter')
  if (data.notAfter <= data.notBefore) throw new UsageError('pqc.x509.validity', 'notAfter is not after notBefore')
  const serial = data.serial ?? randomSerial()
  if (serial.length === 0 || serial.length > 20 || serial[0]! >= 0x80 || serial.every((octet) => octet === 0)) {
    throw new UsageError('pqc.x509.serial', 'a serial number is positive and has up to 20 octets')
  }
  const { algorithm } = issuer.signer.publicKey
  const extensions: CertificateExtensions = {
    ...data.extensions,
    subjectKeyIdentifier: keyIdentifier(data.spki),
    authorityKeyIdentifier: keyIdentifier(issuer.signer.publicKey.toSpki()),
  }
  const tbs = new BerWriter(8192)
    .constructed(BER.SEQUENCE, (w) => {
      w.constructed(contextConstructed(0), (v) => v.integer(2))
      w.integer(BigInt(`0x${Buffer.from(serial).toString('hex')}`))
      writeSignatureAlgorithm(w, algorithm)
      writeAnyName(w, issuer.name)
      w.constructed(BER.SEQUENCE, (validity) => {
        writeTime(validity, data.notBefore)
        writeTime(validity, data.notAfter)
      })
      writeName(w, data.subject)
      w.raw(data.spki)
      w.constructed(contextConstructed(3), (list) => writeExtensions(list, extensions))
    })
    .finish()
  return Certificate.fromDer(await wrapSigned(tbs, issuer.signer))
}

/** SEQUENCE { tbs, algorithm, signature } over what a signer signs. */
export async function wrapSigned(tbs: Uint8Array, signer: MessageSigner): Promise<Uint8Array> {
  const signature = await signX509(signer, tbs)
  return new BerWriter(tbs.length + signature.length + 64)
    .constructed(BER.SEQUENCE, (w) => {
      w.raw(tbs)
      writeSignatureAlgorithm(w, signer.publicKey.algorithm)
      w.bitString(signature)
    })
    .finish()
}

export function writeAnyName(writer: BerWriter, name: Name | ReadName): void {
  if (isReadName(name)) writer.raw(name.der)
  else writeName(writer, name)
}

/** The leftmost 160 bits of SHA-256 over the key's bits (RFC 7093 2, method 1). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return sha256(decodeSpki(spki).publicKey).subarray(0, 20)
}

export function readSerial(reader: BerReader): string {
  const bytes = reader.contents(BER.INTEGER, 'serialNumber')
  // A zero in front belongs there only where the next bit would be a sign (X.690 8.3.2).
  const padded = bytes.length > 1 && bytes[0] === 0
  const octets = padded ? bytes.subarray(1) : bytes
  if (octets.length === 0 || octets.length > 20 || bytes[0]! >= 0x80 || (padded && octets[0]! < 0x80)) {
    throw reader.error('pqc.x509.serial', 'serialNumber', 'must be positive and of up to 20 octets')
  }
  return Buffer.from(octets).toString('hex')
}

function isReadName(name: Name | ReadName): name is ReadName {
  return 'der' in name
}

function readVersion(tbs: BerReader): number {
  const wrapper = tbs.enter(contextConstructed(0), 'version')
  return wrapper.integer('version')
}

function readExtensionList(tbs: BerReader): ReadExtensions {
  const wrapper = tbs.enter(contextConstructed(3), 'extensions')
  const list = wrapper.enter(BER.SEQUENCE, 'extensions')
  wrapper.expectEnd('extensions')
  return readExtensions(list)
}

/** The key's algorithm; errors name offsets of the certificate. */
function decodeAt(spki: Uint8Array, offset: number): AlgorithmInfo {
  try {
    return decodeSpki(spki).algorithm
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new DecodeError(error.code, offset + error.offset, error.field, 'subjectPublicKeyInfo', {}, error)
  }
}

function randomSerial(): Uint8Array {
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return serial
}
