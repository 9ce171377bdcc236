import { readFileSync, readdirSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { DecodeError, UsageError } from '@gridseal/wire'
import type { SigningKey } from '../keys/signing-key.ts'
import { VerifyingKey } from '../keys/verifying-key.ts'
import { sha256 } from '../symmetric/hash.ts'

/*
 * Integrity of the shipped files: a release carries `integrity.json`, which names every file of the package with its
 * SHA-256, and a signature over it. What is checked are the files that run, by a key from elsewhere: a manifest that
 * brings its own key proves nothing.
 */

const MANIFEST = 'integrity.json'
const SIGNATURE = 'integrity.sig'
const CONTEXT = new TextEncoder().encode('gridseal integrity manifest')
const SHIPPED = ['package.json', 'dist', 'src']

/** What the check found. `unsigned`: a checkout, or a build of one's own. */
export type IntegrityReport =
  | { readonly outcome: 'unsigned'; readonly folder: string }
  | {
      readonly outcome: 'passed' | 'failed'
      readonly folder: string
      readonly files: number
      readonly problems: readonly string[]
    }

/** The folder of this package, whether it runs from `src` or from `dist`. */
export const PACKAGE_FOLDER: string = join(import.meta.dirname, '../..')

/** Manifest and signature of a package folder, to be written beside its package.json. */
export async function sealFolder(folder: string, key: SigningKey): Promise<Readonly<Record<string, Uint8Array>>> {
  const files = Object.fromEntries(shippedFiles(folder).map((file) => [file, digestOf(folder, file)]))
  const manifest = new TextEncoder().encode(`${JSON.stringify({ version: 1, files }, undefined, 1)}\n`)
  return { [MANIFEST]: manifest, [SIGNATURE]: await key.sign(manifest, { context: CONTEXT }) }
}

/** Checks a package folder against its manifest, and the manifest's signature by `key`. */
export function checkIntegrity(folder: string, key: VerifyingKey): IntegrityReport {
  if (!(key instanceof VerifyingKey)) throw new UsageError('pqc.argument.type', 'key must be a VerifyingKey')
  const manifest = readOptional(join(folder, MANIFEST))
  if (manifest === undefined) return { outcome: 'unsigned', folder }
  const signature = readOptional(join(folder, SIGNATURE))
  const problems: string[] = []
  if (signature === undefined || !key.verify(manifest, signature, { context: CONTEXT })) {
    problems.push(`${SIGNATURE} is not the signature of ${key.fingerprintText}`)
    return { outcome: 'failed', folder, files: 0, problems }
  }
  const wanted = parseManifest(manifest)
  for (const [file, digest] of wanted) {
    try {
      if (digestOf(folder, file) !== digest) problems.push(`${file} has been changed`)
    } catch {
      problems.push(`${file} is missing`)
    }
  }
  for (const file of shippedFiles(folder)) if (!wanted.has(file)) problems.push(`${file} was not shipped`)
  return { outcome: problems.length === 0 ? 'passed' : 'failed', folder, files: wanted.size, problems }
}

function parseManifest(bytes: Uint8Array): ReadonlyMap<string, string> {
  const parsed = JSON.parse(new TextDecoder().decode(bytes)) as { version?: unknown; files?: unknown }
  if (parsed.version !== 1 || typeof parsed.files !== 'object' || parsed.files === null) {
    throw new DecodeError('pqc.integrity.format', 0, 'manifest', 'not a manifest of version 1')
  }
  return new Map(Object.entries(parsed.files as Record<string, string>))
}

function shippedFiles(folder: string): string[] {
  const files: string[] = []
  for (const entry of SHIPPED) {
    const path = join(folder, entry)
    if (entry.includes('.')) files.push(entry)
    else {
      for (const item of listOf(path)) {
        // A link is not what was shipped either.
        if (!item.isDirectory()) files.push(relative(folder, join(item.parentPath, item.name)).split(sep).join('/'))
      }
    }
  }
  return files.filter((file) => !file.endsWith('.tsbuildinfo')).sort((a, b) => (a < b ? -1 : 1))
}

function listOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch {
    return []
  }
}

function digestOf(folder: string, file: string): string {
  return Buffer.from(sha256(readFileSync(join(folder, file)))).toString('hex')
}

function readOptional(file: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(file))
  } catch {
    return undefined
  }
}
