import { CertifiedKey } from '@gridseal/channel'
import type { Certificate, SigningKey } from '@gridseal/pqc'
import { readKeyFile } from '@gridseal/pqc'
import { UsageError, describeError } from '@gridseal/wire'
import type { Report } from '../events.ts'
import { readCertificates } from './certificate-files.ts'

/** The part of a configuration that says who this bridge is. */
export interface IdentityConfig {
  readonly identity: string
  readonly certificate?: string | undefined
}

/** Who this bridge is. */
export interface BridgeIdentity {
  readonly key: SigningKey
  /** What it shows: the key, with its certificates where it has some. */
  readonly shown: SigningKey | CertifiedKey
  /** Its own certificate. */
  readonly certificate: Certificate | undefined
}

/** A certificate that ends earlier is spoken of, ms. */
const SOON = 30 * 86_400_000

/** Throws what reading a key throws, and `UsageError` `config.certificate` for certificates that are not of this key. */
export async function readIdentity({ identity, certificate: file }: IdentityConfig): Promise<BridgeIdentity> {
  const key = await readKeyFile(identity)
  if (file === undefined) return { key, shown: key, certificate: undefined }
  const chain = await readCertificates('certificate', file)
  try {
    return { key, shown: CertifiedKey.of(key, chain), certificate: chain[0] }
  } catch (error) {
    const what = `certificate: ${file}: ${describeError(error)}`
    throw new UsageError('config.certificate', what, { key: 'certificate', file }, error)
  }
}

/** Own certificates are looked at this often, ms. */
const DAY = 86_400_000

/** {@link reportExpiry} at the start and every day. */
export class ExpiryNotice {
  readonly #look: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(identity: () => BridgeIdentity, report: Report) {
    this.#look = () => reportExpiry(identity(), Date.now(), report)
  }

  start(): void {
    this.#look()
    this.#timer = setInterval(this.#look, DAY).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** Says when our own certificate has ended, or will soon. `now` in ms since 1970-01-01 UTC. */
export function reportExpiry({ certificate }: BridgeIdentity, now: number, report: Report): void {
  if (certificate === undefined) return
  const { notBefore, notAfter, subject } = certificate
  const details = { subject: subject.text, notAfter: notAfter.toISOString() }
  if (now < notBefore.getTime()) {
    const message = `the certificate of "${subject.text}" is valid from ${notBefore.toISOString()}: peers refuse it`
    report({ level: 'error', code: 'certificate.not-yet-valid', message, details })
  } else if (now > notAfter.getTime()) {
    const message = `the certificate of "${subject.text}" was valid until ${details.notAfter}: peers refuse it`
    report({ level: 'error', code: 'certificate.expired', message, details })
  } else if (now > notAfter.getTime() - SOON) {
    const message = `the certificate of "${subject.text}" is valid until ${details.notAfter}`
    report({ level: 'warn', code: 'certificate.ends', message, details })
  }
}
