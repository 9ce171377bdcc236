import { BER, BerReader, BerWriter, DecodeError, contextConstructed } from '@gridseal/wire'
import { needBytes } from '../check.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { decodePem, encodePem } from '../keys/pem.ts'
import { decodeSpki } from '../keys/spki.ts'
import { VerifyingKey, needSignature } from '../keys/verifying-key.ts'
import { readSigned, verifyX509 } from './asn1.ts'
import type { SignedParts } from './asn1.ts'
import { wrapSigned } from './certificate.ts'
import { readExtensions, writeExtensions } from './extensions.ts'
import type { CertificateExtensions, ReadExtensions } from './extensions.ts'
import { readName, writeName } from './name.ts'
import type { Name, ReadName } from './name.ts'

/** extensionRequest (RFC 2985 5.4.2). */
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const MAX_REQUEST = 128 * 1024

/** A certification request (PKCS#10, RFC 2986). Its signature proves that who asks has the private key. */
export class CertificateRequest {
  readonly der: Uint8Array
  readonly subject: ReadName
  readonly spki: Uint8Array
  readonly publicKey: VerifyingKey
  readonly extensions: ReadExtensions
  readonly #parts: SignedParts

  private constructor(der: Uint8Array) {
    if (der.length > MAX_REQUEST) {
      throw new DecodeError('pqc.x509.limit', 0, 'CertificationRequest', `${der.length} bytes are no request`)
    }
    this.#parts = readSigned(BerReader.of(der, { der: true }), 'CertificationRequest')
    const { signed } = this.#parts
    const info = BerReader.of(signed, { der: true }, signed.byteOffset - der.byteOffset).enter(BER.SEQUENCE, 'info')
    const version = info.integer('version')
    if (version !== 0) throw info.error('pqc.x509.version', 'version', `version ${version + 1} where 1 belongs`)
    this.subject = readName(info, 'subject')
    this.spki = info.element('subjectPKInfo')
    needSignature(decodeSpki(this.spki).algorithm)
    this.publicKey = VerifyingKey.fromSpki(this.spki)
    this.extensions = readAttributes(info)
    info.expectEnd('CertificationRequestInfo')
    this.der = der
  }

  /** Strict DER. Throws `DecodeError`. The bytes are copied. */
  static fromDer(der: Uint8Array): CertificateRequest {
    needBytes(der, 'der')
    return new CertificateRequest(Uint8Array.from(der))
  }

  static fromPem(pem: string): CertificateRequest {
    return new CertificateRequest(decodePem(pem, 'CERTIFICATE REQUEST'))
  }

  /** Whether it is signed by the key that it is about. */
  verify(): boolean {
    const { algorithm, signed, signature } = this.#parts
    return algorithm === this.publicKey.algorithm && verifyX509(this.publicKey, signed, signature)
  }

  toPem(): string {
    return encodePem('CERTIFICATE REQUEST', this.der)
  }
}

/** A request for a certificate of one's own key. */
export async function createCertificateRequest(
  subject: Name,
  signer: MessageSigner,
  extensions: CertificateExtensions = {},
): Promise<CertificateRequest> {
  const info = new BerWriter(4096)
    .constructed(BER.SEQUENCE, (w) => {
      w.integer(0)
      writeName(w, subject)
      w.raw(signer.publicKey.toSpki())
      w.constructed(contextConstructed(0), (attributes) => {
        if (Object.keys(extensions).length === 0) return
        attributes.constructed(BER.SEQUENCE, (a) =>
          a.oid(EXTENSION_REQUEST).constructed(BER.SET, (set) => writeExtensions(set, extensions)),
        )
      })
    })
    .finish()
  return CertificateRequest.fromDer(await wrapSigned(info, signer))
}

function readAttributes(info: BerReader): ReadExtensions {
  let extensions: ReadExtensions = { unknownCritical: [] }
  if (!info.is(contextConstructed(0))) return extensions
  const attributes = info.enter(contextConstructed(0), 'attributes')
  while (!attributes.atEnd) {
    const attribute = attributes.enter(BER.SEQUENCE, 'attribute')
    const oid = attribute.oid('type')
    const values = attribute.enter(BER.SET, 'values')
    if (oid === EXTENSION_REQUEST) extensions = readExtensions(values.enter(BER.SEQUENCE, 'extensions'))
    attribute.expectEnd('attribute')
  }
  return extensions
}
