import { SigningKey, issueCertificate } from '@gridseal/pqc'
import type { Certificate, CertificateExtensions, Issuer } from '@gridseal/pqc'
import { CertifiedKey } from '@gridseal/channel'

/** The time of these tests. */
export const NOW: Date = new Date('2026-11-25T12:00:00Z')

export interface Authority {
  readonly certificate: Certificate
  readonly issuer: Issuer
}

export interface Overrides {
  readonly extensions?: CertificateExtensions
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A CA below `parent`, or a root. */
export async function authority(name: string, parent?: Authority): Promise<Authority> {
  const key = SigningKey.generate('ML-DSA-44')
  const certificate = await issue({ CN: name }, key, parent?.issuer ?? { name: { CN: name }, signer: key }, {
    extensions: { basicConstraints: { ca: true, pathLength: undefined }, keyUsage: ['keyCertSign', 'cRLSign'] },
  })
  return { certificate, issuer: { name: certificate.subject, signer: key } }
}

/** An end of a channel with its certificate, and those of the CAs that are to be shown with it. */
export async function certified(
  host: string,
  by: Authority,
  overrides: Overrides = {},
  above: readonly Authority[] = [],
): Promise<CertifiedKey> {
  const key = SigningKey.generate('ML-DSA-44')
  const leaf = await issue({ CN: host }, key, by.issuer, {
    ...overrides,
    extensions: {
      basicConstraints: { ca: false, pathLength: undefined },
      keyUsage: ['digitalSignature'],
      subjectAltName: [{ type: 'dns', value: host }],
      ...overrides.extensions,
    },
  })
  return CertifiedKey.of(key, [leaf, ...above.map(({ certificate }) => certificate)])
}

function issue(
  subject: { CN: string },
  key: SigningKey,
  issuer: Issuer,
  { extensions = {}, notBefore, notAfter }: Overrides,
): Promise<Certificate> {
  return issueCertificate(
    {
      subject,
      spki: key.publicKey.toSpki(),
      notBefore: notBefore ?? new Date('2026-01-01T00:00:00Z'),
      notAfter: notAfter ?? new Date('2036-01-01T00:00:00Z'),
      extensions,
    },
    issuer,
  )
}
