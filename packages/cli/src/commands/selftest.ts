import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_FOLDER, cryptoStatus, readKeyFile, readPublicKeyFile, runSelfTests, sealFolder } from '@gridseal/pqc'
import type { SelfTestRecord } from '@gridseal/pqc'
import { EXIT, print, toJson } from '../output.ts'
import { passphraseOption } from './passphrase.ts'

export interface SelfTestOptions {
  /** Public key of the release: checks the signed manifest of the shipped files. */
  readonly integrityKey?: string
  /** Private key of the release: writes that manifest. */
  readonly seal?: string
  readonly json: boolean
}

const MARK: Readonly<Record<SelfTestRecord['outcome'], string>> = { passed: '✓', missing: '–', failed: '✗' }

/** Runs every self-test and shows each with its vector and time. Exit code 1 if one failed. */
export async function selftest(options: SelfTestOptions): Promise<number> {
  if (options.seal !== undefined) return sealRelease(options.seal, options.json)
  const integrityKey = options.integrityKey === undefined ? undefined : await readPublicKeyFile(options.integrityKey)
  const report = runSelfTests(integrityKey === undefined ? {} : { integrityKey })
  for (const record of report.tests) {
    if (options.json) print(toJson({ ...record, milliseconds: Number(record.milliseconds.toFixed(3)) }))
    else print(lineOf(record))
  }
  const count = (outcome: SelfTestRecord['outcome']): number =>
    report.tests.filter((test) => test.outcome === outcome).length
  const { mode, state, opensslFips } = cryptoStatus()
  const summary = { passed: count('passed'), failed: count('failed'), missing: count('missing') }
  if (options.json) print(toJson({ summary: { ...summary, mode, state, opensslFips } }))
  else {
    print(`\n${summary.passed} passed, ${summary.failed} failed, ${summary.missing} not there; the core is ${state}`)
    print(`mode ${mode}; OpenSSL's own FIPS provider: ${opensslFips}`)
  }
  return report.passed ? EXIT.ok : EXIT.failed
}

function lineOf({ outcome, subject, provider, test, source, milliseconds }: SelfTestRecord): string {
  const time = `${milliseconds.toFixed(1).padStart(8)} ms`
  return `${MARK[outcome]} ${provider.padEnd(7)} ${subject.padEnd(27)} ${time}  ${test} (${source})`
}

async function sealRelease(path: string, json: boolean): Promise<number> {
  const key = await readKeyFile(path, passphraseOption())
  const files = await sealFolder(PACKAGE_FOLDER, key)
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(PACKAGE_FOLDER, name), bytes)
  const { fingerprintText } = key.publicKey
  if (json) print(toJson({ folder: PACKAGE_FOLDER, files: Object.keys(files), key: fingerprintText }))
  else print(`sealed  ${PACKAGE_FOLDER}\nkey     ${fingerprintText}`)
  return EXIT.ok
}
