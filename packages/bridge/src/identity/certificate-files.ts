import { readFile } from 'node:fs/promises'
import { Certificate, RevocationList } from '@gridseal/pqc'
import { UsageError, describeError } from '@gridseal/wire'

/** Largest file that is read, bytes: some thousand entries of a revocation list, or a hundred certificates. */
const MAX_FILE = 1 << 20

/** The certificates of a PEM file, in its order. `key` of the configuration is named in the `UsageError` `config.certificate`. */
export function readCertificates(key: string, file: string): Promise<[Certificate, ...Certificate[]]> {
  return readAll(key, file, 'CERTIFICATE', (pem) => Certificate.fromPem(pem))
}

/** The revocation lists of a PEM file. Throws as {@link readCertificates}. */
export function readRevocationLists(key: string, file: string): Promise<[RevocationList, ...RevocationList[]]> {
  return readAll(key, file, 'X509 CRL', (pem) => RevocationList.fromPem(pem))
}

async function readAll<T>(key: string, file: string, label: string, parse: (pem: string) => T): Promise<[T, ...T[]]> {
  const fail = (why: string, cause?: unknown): UsageError =>
    new UsageError('config.certificate', `${key}: ${file}: ${why}`, { key, file }, cause)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw fail(`cannot be read: ${describeError(error)}`, error)
  }
  if (text.length > MAX_FILE) throw fail(`is larger than ${MAX_FILE} bytes`)
  const blocks = text.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`, 'g')) ?? []
  try {
    const [first, ...others] = blocks.map(parse)
    if (first !== undefined) return [first, ...others]
  } catch (error) {
    throw fail(describeError(error), error)
  }
  throw fail(`holds no -----BEGIN ${label}-----`)
}
