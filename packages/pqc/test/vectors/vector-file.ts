import { existsSync, readFileSync } from 'node:fs'
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

const SLOW = process.env['GRIDSEAL_SLOW'] === '1'

export const PROVIDERS: readonly ProviderName[] = ['native', 'noble']

export interface VectorTest {
  /** Path below the vectors' folder. */
  readonly file: string
  /** Why a test of the file cannot be put to this provider; undefined where it can. Default: all can. */
  readonly leftOut?: (vector: Vector, provider: ProviderName) => string | undefined
  /**
   * Every how many-th of the valid vectors of the complete file the JavaScript provider gets in the daily run: it takes
   * seconds for what native does in milliseconds. All others, and the curated files, are run whole. Default 1.
   */
  readonly sample?: number
  /** Throws if the provider does not do what the vector says. */
  readonly check: (vector: Vector, provider: ProviderName) => void
  /** Providers that the check applies to. Default both. */
  readonly providers?: readonly ProviderName[]
}

/** Files that some test reads: what is there and not in here is a hole (inventory.test.ts). */
export const COVERED = new Set<string>()

/** Declares one mocha test per source and provider; its title ends in how many tests of the file ran, and why not all. */
export function vectorTest({
  file,
  leftOut = () => undefined,
  sample = 1,
  check,
  providers = PROVIDERS,
}: VectorTest): void {
  COVERED.add(file)
  for (const { name, folder, shared } of SOURCES) {
    for (const provider of providers) {
      const path = join(folder, file)
      // Not every file has a curated selection.
      if (!shared && !existsSync(path)) continue
      it(`${file}, ${name}, ${provider}`, function () {
        if (shared) needFolder(this, path)
        const all = flatten(JSON.parse(readFileSync(path, 'utf8')) as VectorFile)
        const reasons = new Map<string, number>()
        const failures: string[] = []
        let ran = 0
        const every = shared && provider === 'noble' && !SLOW ? sample : 1
        for (const [index, vector] of all.entries()) {
          const sampled = index % every === 0 || (vector['result'] ?? 'valid') !== 'valid'
          const reason = leftOut(vector, provider) ?? (sampled ? undefined : 'slow (npm run test:slow)')
          if (reason === undefined) {
            ran++
            failures.push(...failureOf(vector, provider, check))
          } else reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
        }
        this.test!.title += `: ${ran} of ${all.length}${[...reasons].map(([why, n]) => `, ${n} ${why}`).join('')}`
        expect(ran).to.be.greaterThan(0)
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

/** Lines `name = hex` of one file, asked by name. */
export type Fields = (name: string) => Uint8Array

/** Declares one mocha test per source and provider over a text file of `name = hex`; a file without source is skipped. */
export function textTest(
  file: string,
  check: (fields: Fields, provider: ProviderName) => void,
  providers: readonly ProviderName[] = PROVIDERS,
): void {
  COVERED.add(file)
  for (const { name, folder, shared } of SOURCES) {
    const path = join(folder, file)
    if (!shared && !existsSync(path)) continue
    for (const provider of providers) {
      it(`${file}, ${name}, ${provider}: 1 of 1`, function () {
        if (shared) needFolder(this, path)
        const lines = new Map(
          Array.from(readFileSync(path, 'utf8').matchAll(/^(\w+) = ([0-9A-Fa-f]*)\s*$/gm), (match) => [
            match[1],
            match[2],
          ]),
        )
        check((field) => {
          const value = lines.get(field)
          if (value === undefined) throw new TypeError(`${file} has no ${field}`)
          return fromHex(value.toLowerCase())
        }, provider)
      })
    }
  }
}
