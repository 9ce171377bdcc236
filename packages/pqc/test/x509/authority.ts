import { DecapsulationKey, EncapsulationKey, SigningKey, issueCertificate } from '@gridseal/pqc'
import type { Certificate, CertificateExtensions, Issuer, SignatureAlgorithm } from '@gridseal/pqc'

/** The time of these tests. */
export const NOW: Date = new Date('2026-11-25T12:00:00Z')
export const LATER: Date = new Date('2036-11-25T12:00:00Z')
const BEFORE = new Date('2026-01-01T00:00:00Z')

export interface Authority {
  readonly certificate: Certificate
  readonly key: SigningKey
  readonly issuer: Issuer
}

export interface Overrides {
  readonly extensions?: CertificateExtensions
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A CA below `parent`, or a root. */
export async function authority(
  name: string,
  algorithm: SignatureAlgorithm,
  parent?: Authority,
  { extensions, notBefore = BEFORE, notAfter = LATER }: Overrides = {},
): Promise<Authority> {
  const key = SigningKey.generate(algorithm)
  const subject = { C: 'AT', O: 'Netz', CN: name }
  const certificate = await issueCertificate(
    {
      subject,
      spki: key.publicKey.toSpki(),
      notBefore,
      notAfter,
      extensions: {
        basicConstraints: { ca: true, pathLength: parent === undefined ? undefined : 0 },
        keyUsage: ['keyCertSign', 'cRLSign'],
        ...extensions,
      },
    },
    parent?.issuer ?? { name: subject, signer: key },
  )
  return { certificate, key, issuer: { name: certificate.subject, signer: key } }
}

/** A device's certificate with its key. */
export async function device(
  parent: Authority,
  algorithm: SignatureAlgorithm,
  { extensions, notBefore = BEFORE, notAfter = LATER }: Overrides = {},
  key: SigningKey = SigningKey.generate(algorithm),
): Promise<{ certificate: Certificate; key: SigningKey }> {
  const certificate = await issueCertificate(
    {
      subject: { O: 'Netz', CN: 'meter 7', serialNumber: '00-7' },
      spki: key.publicKey.toSpki(),
      notBefore,
      notAfter,
      extensions: {
        basicConstraints: { ca: false, pathLength: undefined },
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: ['serverAuth', 'clientAuth'],
        subjectAltName: [
          { type: 'dns', value: 'meter-7.netz.example' },
          { type: 'ip', value: Uint8Array.of(127, 0, 0, 1) },
          { type: 'uri', value: 'urn:dev:mac:0024befffe804ff1' },
        ],
        ...extensions,
      },
    },
    parent.issuer,
  )
  return { certificate, key }
}

/** A certificate of an ML-KEM key. */
export async function kemCertificate(parent: Authority): Promise<{ certificate: Certificate; key: DecapsulationKey }> {
  const key = DecapsulationKey.generate('ML-KEM-768')
  const certificate = await issueCertificate(
    {
      subject: { CN: 'meter 7, key encipherment' },
      spki: EncapsulationKey.fromRaw('ML-KEM-768', key.publicKey).toSpki(),
      notBefore: BEFORE,
      notAfter: LATER,
      extensions: { keyUsage: ['keyEncipherment'] },
    },
    parent.issuer,
  )
  return { certificate, key }
}
