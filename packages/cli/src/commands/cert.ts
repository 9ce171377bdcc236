import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import {
  Certificate,
  CertificateRequest,
  RevocationList,
  SigningKey,
  addressBytes,
  createCertificateRequest,
  issueCertificate,
  issueRevocationList,
  readKeyFile,
  readPublicKeyFile,
  sha256,
  verifyChain,
  writeKeyFile,
} from '@gridseal/pqc'
import type { AltName, CertificateExtensions, ExtendedKeyUsage, Issuer, Name } from '@gridseal/pqc'
import { AuthError, UsageError, describeError, toHex } from '@gridseal/wire'
import { EXIT, print, toJson } from '../output.ts'
import { signatureAlgorithm } from './algorithm.ts'
import { passphraseOption } from './passphrase.ts'

const DAY = 86_400_000

export interface MakeOptions {
  readonly key: string
  readonly subject: Name
  readonly out: string
  readonly days: number
  readonly algorithm: string
  readonly force: boolean
  readonly json: boolean
}

export interface AuthorityOptions extends MakeOptions {
  readonly pathLength?: number
}

export interface IssuerOptions {
  readonly ca: string
  readonly caKey: string
}

export interface AltNameOptions {
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly uri: readonly string[]
}

export interface DeviceOptions extends Omit<MakeOptions, 'key'>, IssuerOptions, AltNameOptions {
  readonly key?: string
  readonly csr?: string
  readonly crl: readonly string[]
  readonly related?: string
  readonly alternativeKey?: string
}

/** A self-signed root. */
export async function certRoot(options: AuthorityOptions): Promise<void> {
  const key = await keyOf(options)
  const extensions = authorityExtensions(options.pathLength)
  await issue(options, key.publicKey.toSpki(), extensions, { name: options.subject, signer: key })
}

/** A CA below another one. */
export async function certIntermediate(options: AuthorityOptions & IssuerOptions): Promise<void> {
  const key = await keyOf(options)
  const extensions = authorityExtensions(options.pathLength ?? 0)
  await issue(options, key.publicKey.toSpki(), extensions, await issuerOf(options))
}

/** A device's certificate, for a key of ours or for a request. The names of a request are taken where none are given. */
export async function certDevice(options: DeviceOptions): Promise<void> {
  if ((options.key === undefined) === (options.csr === undefined)) {
    throw new UsageError('cert.key', 'either --key or --csr says whose certificate it is')
  }
  const request = options.csr === undefined ? undefined : CertificateRequest.fromPem(await read(options.csr))
  if (request?.verify() === false) {
    throw new AuthError('cert.csr', `${options.csr} is not signed by the key that it is about`)
  }
  const spki = request?.spki ?? (await keyOf({ ...options, key: options.key! })).publicKey.toSpki()
  const names = altNames(options)
  const subjectAltName = names.length > 0 ? names : request?.extensions.subjectAltName
  const subject = Object.keys(options.subject).length > 0 ? options.subject : request?.subject.attributes
  if (subject === undefined) throw new UsageError('cert.subject', '--subject is missing, e.g. "O=Netz, CN=meter 7"')
  const extensions: CertificateExtensions = {
    basicConstraints: { ca: false, pathLength: undefined },
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    ...(subjectAltName === undefined ? {} : { subjectAltName }),
    ...(options.crl.length > 0 ? { crlDistributionPoints: options.crl } : {}),
    ...(options.related === undefined
      ? {}
      : { relatedCertificate: (await certificatesOf(options.related))[0]!.fingerprint }),
    ...(options.alternativeKey === undefined
      ? {}
      : { subjectAltPublicKeyInfo: (await readPublicKeyFile(options.alternativeKey)).toSpki() }),
  }
  await issue({ ...options, subject }, spki, extensions, await issuerOf(options))
}

/** A request for a certificate, signed by its key. */
export async function certRequest(options: Omit<MakeOptions, 'days'> & AltNameOptions): Promise<void> {
  const key = await keyOf(options)
  const subjectAltName = altNames(options)
  const request = await createCertificateRequest(
    options.subject,
    key,
    subjectAltName.length > 0 ? { subjectAltName } : {},
  )
  await write(options.out, request.toPem(), options.force)
  if (options.json) print(toJson({ out: options.out, subject: request.subject.text, algorithm: key.algorithm }))
  else print(`request      ${options.out}\nsubject      ${request.subject.text}\nkey          ${key.algorithm}`)
}

export interface RevokeOptions extends IssuerOptions {
  readonly out: string
  readonly number: number
  readonly days: number
  readonly shard?: string
  readonly force: boolean
  readonly json: boolean
}

/** A revocation list over certificate files. */
export async function certRevoke(files: readonly string[], options: RevokeOptions): Promise<void> {
  const now = new Date()
  const certificates = (await Promise.all(files.map(certificatesOf))).map(([first]) => first!)
  const data = {
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + options.days * DAY),
    number: BigInt(options.number),
    revoked: certificates.map(({ serial }) => ({ serial, date: now })),
    ...(options.shard === undefined ? {} : { shard: options.shard }),
  }
  const list = await issueRevocationList(data, await issuerOf(options))
  await write(options.out, list.toPem(), options.force)
  if (options.json) print(toJson({ out: options.out, revoked: list.size, nextUpdate: list.nextUpdate }))
  else print(`revocation list  ${options.out}\nrevoked          ${list.size}`)
}

export interface VerifyOptions {
  readonly root: readonly string[]
  readonly intermediate: readonly string[]
  readonly crl: readonly string[]
  readonly host?: string
  readonly purpose?: ExtendedKeyUsage
  readonly at?: string
  readonly requireRevocation: boolean
  readonly json: boolean
}

/** Checks the first certificate of a file; the others in it may lie on its path. Exit code 1 if it is refused. */
export async function certVerify(file: string, options: VerifyOptions): Promise<number> {
  const [leaf, ...others] = await certificatesOf(file)
  const load = async (files: readonly string[]): Promise<Certificate[]> =>
    (await Promise.all(files.map(certificatesOf))).flat()
  if (options.root.length === 0) throw new UsageError('cert.root', '--root FILE says whom to trust')
  const now = options.at === undefined ? new Date() : new Date(options.at)
  if (Number.isNaN(now.getTime())) throw new UsageError('cert.at', `"${options.at}" is not a time`)
  const revocationLists = await Promise.all(options.crl.map(async (path) => RevocationList.fromPem(await read(path))))
  try {
    const { path } = verifyChain(leaf!, {
      now,
      roots: await load(options.root),
      intermediates: [...others, ...(await load(options.intermediate))],
      revocationLists,
      requireRevocation: options.requireRevocation,
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.purpose === undefined ? {} : { purpose: options.purpose }),
    })
    const names = path.map(({ subject }) => subject.text)
    if (options.json) print(toJson({ file, verified: true, path: names }))
    else print(`verified  ${names.join('\n          issued by ')}`)
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    if (options.json) print(toJson({ file, verified: false, code: error.code, reason: error.message }))
    else print(`refused   ${describeError(error)}`)
    return EXIT.failed
  }
}

/** Shows what certificates say. Nothing is verified. */
export async function certShow(file: string, json: boolean): Promise<void> {
  for (const certificate of await certificatesOf(file)) {
    const { extensions: e } = certificate
    const shown = {
      subject: certificate.subject.text,
      issuer: certificate.issuer.text,
      serial: certificate.serial,
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
      key: certificate.keyAlgorithm.name,
      signature: certificate.signatureAlgorithm,
      ca: certificate.isCa,
      pathLength: e.basicConstraints?.pathLength ?? null,
      keyUsage: e.keyUsage ?? [],
      extendedKeyUsage: e.extendedKeyUsage ?? [],
      names: (e.subjectAltName ?? []).map(nameText),
      crl: e.crlDistributionPoints ?? [],
      related: e.relatedCertificate === undefined ? null : toHex(e.relatedCertificate),
      alternativeKey: e.subjectAltPublicKeyInfo === undefined ? null : toHex(sha256(e.subjectAltPublicKeyInfo)),
      unknownCritical: e.unknownCritical,
      fingerprint: toHex(certificate.fingerprint),
    }
    if (json) print(toJson({ file, ...shown }))
    else for (const [name, value] of Object.entries(shown)) if (hasValue(value)) print(`${name.padEnd(18)} ${value}`)
  }
}

async function issue(
  options: Omit<MakeOptions, 'key'>,
  spki: Uint8Array,
  extensions: CertificateExtensions,
  issuer: Issuer,
): Promise<void> {
  // Clocks of devices are not exact: valid from an hour ago.
  const notBefore = new Date(Date.now() - 3_600_000)
  const notAfter = new Date(notBefore.getTime() + options.days * DAY)
  const certificate = await issueCertificate(
    { subject: options.subject, spki, notBefore, notAfter, extensions },
    issuer,
  )
  await write(options.out, certificate.toPem(), options.force)
  const fingerprint = toHex(certificate.fingerprint)
  const { subject, serial, keyAlgorithm } = certificate
  if (options.json) {
    print(toJson({ out: options.out, subject: subject.text, serial, key: keyAlgorithm.name, notAfter, fingerprint }))
  } else {
    print(`certificate  ${options.out}\nsubject      ${subject.text}\nkey          ${keyAlgorithm.name}`)
    print(`valid until  ${notAfter.toISOString()}\nfingerprint  ${fingerprint}`)
  }
}

function authorityExtensions(pathLength: number | undefined): CertificateExtensions {
  return { basicConstraints: { ca: true, pathLength }, keyUsage: ['keyCertSign', 'cRLSign'] }
}

/** The key of a file, which is made where it is not there yet. */
async function keyOf({ key: path, algorithm }: Pick<MakeOptions, 'key' | 'algorithm'>): Promise<SigningKey> {
  if (existsSync(path)) return readKeyFile(path, passphraseOption())
  const key = SigningKey.generate(signatureAlgorithm(algorithm))
  await writeKeyFile(path, key, passphraseOption())
  return key
}

async function issuerOf({ ca, caKey }: IssuerOptions): Promise<Issuer> {
  const [certificate] = await certificatesOf(ca)
  const signer = await readKeyFile(caKey, passphraseOption())
  if (!certificate!.publicKey().equals(signer.publicKey)) {
    throw new UsageError('cert.ca-key', `${caKey} is not the key of ${ca}`)
  }
  if (!certificate!.isCa) throw new UsageError('cert.ca', `${ca} is not the certificate of a CA`)
  return { name: certificate!.subject, signer }
}

async function certificatesOf(file: string): Promise<Certificate[]> {
  const text = await read(file)
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (blocks === null) throw new UsageError('cert.file', `there is no certificate in ${file}`)
  return blocks.map((block) => Certificate.fromPem(block))
}

function altNames({ dns, ip, uri }: AltNameOptions): AltName[] {
  return [
    ...dns.map((value): AltName => ({ type: 'dns', value })),
    ...ip.map((text): AltName => {
      const value = addressBytes(text)
      if (value === undefined) throw new UsageError('cert.ip', `"${text}" is not an IP address`)
      return { type: 'ip', value }
    }),
    ...uri.map((value): AltName => ({ type: 'uri', value })),
  ]
}

function nameText(name: AltName): string {
  return `${name.type}:${typeof name.value === 'string' ? name.value : toHex(name.value)}`
}

function hasValue(value: unknown): boolean {
  return value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError('cert.read', `cannot read ${file}: ${describeError(error)}`, {}, error)
  }
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    throw new UsageError('cert.write', `cannot write ${file}: ${describeError(error)}`, {}, error)
  }
}
