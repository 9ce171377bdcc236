import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fromHex } from '@gridseal/wire'
import type { ProviderName } from '@gridseal/pqc'
import { ROOT, SHARED_VECTORS, needFolder } from '../../../../test/support/requirements.ts'

/** A test of a Wycheproof or ACVP file with the properties of its group; fields are strings, numbers or flags. */
export type Vector = Readonly<Record<string, unknown>>

interface VectorFile {
  readonly testGroups: readonly (Vector & { readonly tests: readonly Vector[] })[]
}

/** The curated files of this repository, run whole, and the complete ones beside it. */
const SOURCES: readonly { readonly name: string; readonly folder: string; readonly shared: boolean }[] = [
  { name: 'curated', folder: join(ROOT, 'fixtures/pqc'), shared: false },
  { name: 'complete', folder: SHARED_VECTORS, shared: true },
]

export const PROVIDERS: readonly ProviderName[] = ['native', 'noble']

export interface VectorTest {
  /** Path below the vectors' folder. */
  readonly file: string
  /** Which tests of the file are about something that is offered here. Default all. */
  readonly applies?: (vector: Vector) => boolean
  /** Throws if the provider does not do what the vector says. */
  readonly check: (vector: Vector, provider: ProviderName) => void
  /** Providers that the check applies to. Default both. */
  readonly providers?: readonly ProviderName[]
}

/** Declares one mocha test per source and provider; its title ends in how many tests of the file apply and ran. */
export function vectorTest({ file, applies = () => true, check, providers = PROVIDERS }: VectorTest): void {
  for (const { name, folder, shared } of SOURCES) {
    for (const provider of providers) {
      it(`${file}, ${name}, ${provider}`, function () {
        const path = join(folder, file)
        if (shared) needFolder(this, path)
        const all = flatten(JSON.parse(readFileSync(path, 'utf8')) as VectorFile)
        const vectors = all.filter(applies)
        this.test!.title += `: ${vectors.length} of ${all.length}`
        expect(vectors.length).to.be.greaterThan(0)
        const failures = vectors.flatMap((vector) => failureOf(vector, provider, check))
        expect(failures.join('\n')).to.equal('')
      })
    }
  }
}

/** Bytes of a hex field. */
export function bytes(vector: Vector, field: string): Uint8Array {
  const value = vector[field]
  if (typeof value !== 'string') throw new TypeError(`test ${String(vector['tcId'])} has no ${field}`)
  return fromHex(value)
}

export function hasFlag(vector: Vector, flag: string): boolean {
  const flags = vector['flags']
  return Array.isArray(flags) && flags.includes(flag)
}

function flatten(file: VectorFile): Vector[] {
  return file.testGroups.flatMap(({ tests, ...group }) => tests.map((test) => ({ ...group, ...test })))
}

function failureOf(vector: Vector, provider: ProviderName, check: VectorTest['check']): string[] {
  try {
    check(vector, provider)
    return []
  } catch (error) {
    const { tcId, comment } = vector
    return [`${JSON.stringify({ tcId, comment })}: ${String(error)}`]
  }
}
