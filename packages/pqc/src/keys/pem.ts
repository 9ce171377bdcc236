import { DecodeError, UsageError } from '@gridseal/wire'

/** Labels of RFC 7468 that are used here. */
export type PemLabel =
  'PRIVATE KEY' | 'PUBLIC KEY' | 'ENCRYPTED PRIVATE KEY' | 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL'

/** DER in textual encoding (RFC 7468): 64 characters a line, a line feed after each. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]*)-----END ([A-Z0-9 ]+)-----/

/**
 * The DER of the only block in `text`; explanatory text around it is ignored (RFC 7468 5.2). Throws
 * {@link DecodeError} `pqc.pem.format` (no block, several, bad base64) and `pqc.pem.label`.
 */
export function decodePem(text: string, label: PemLabel): Uint8Array {
  if (typeof text !== 'string') throw new UsageError('pqc.argument.type', `pem must be a string, not ${typeof text}`)
  const match = BLOCK.exec(text)
  if (match === null) throw new DecodeError('pqc.pem.format', 0, 'pem', 'no PEM block found')
  const [, begin, body, end] = match as unknown as [string, string, string, string]
  if (begin !== label || end !== label) {
    throw new DecodeError('pqc.pem.label', match.index, 'label', `expected "${label}", found "${begin}"`)
  }
  // Before it, too: a block that is damaged is not passed over.
  const [first, last] = [text.indexOf('-----BEGIN '), text.lastIndexOf('-----BEGIN ')]
  if (first !== match.index || last !== match.index) {
    throw new DecodeError('pqc.pem.format', first === match.index ? last : first, 'pem', 'more than one PEM block')
  }
  const base64 = body.replace(/\s+/g, '')
  const der = Buffer.from(base64, 'base64')
  // Buffer skips what is not base64; only an exact round trip proves that nothing was skipped.
  if (der.length === 0 || der.toString('base64') !== base64) {
    throw new DecodeError('pqc.pem.format', match.index, 'base64', 'the block is not base64')
  }
  return new Uint8Array(der)
}
