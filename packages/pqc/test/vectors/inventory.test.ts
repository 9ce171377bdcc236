import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ROOT, SHARED_VECTORS, needFolder } from '../../../../test/support/requirements.ts'
import './classical.test.ts'
import './hybrid.test.ts'
import './ml-dsa.test.ts'
import './ml-kem.test.ts'
import './slh-dsa.test.ts'
import './stateful.test.ts'
import './symmetric.test.ts'
import { COVERED } from './vector-file.ts'

/** Files of the shared folder that are not about this package, or not about anything that it offers, and why. */
const NOT_OURS: Readonly<Record<string, string>> = {
  'acvp/hmacDRBG-SP800-90Ar1.json': 'no generator of our own is offered: random bytes are the system’s',
  'cctv/ML-DSA-44.json': 'messages for the benchmark (bench/)',
  'cctv/ML-DSA-44.alt.json': 'messages for the benchmark (bench/)',
  'cctv/ML-DSA-65.json': 'messages for the benchmark (bench/)',
  'cctv/ML-DSA-65.alt.json': 'messages for the benchmark (bench/)',
  'cctv/ML-DSA-87.json': 'messages for the benchmark (bench/)',
  'cctv/ML-DSA-87.alt.json': 'messages for the benchmark (bench/)',
}
const FOLDERS = ['wycheproof', 'acvp', 'kat', 'hybrid', 'cctv']

describe('vector files', () => {
  it('are all run, or named with the reason why not', function () {
    needFolder(this, SHARED_VECTORS)
    const files = FOLDERS.flatMap((folder) => {
      const path = join(SHARED_VECTORS, folder)
      return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : []
    })
    expect(files.length).to.be.greaterThan(0)
    const holes = files.filter((file) => !COVERED.has(file) && NOT_OURS[file] === undefined)
    expect(holes).to.deep.equal([])
    for (const [file, why] of Object.entries(NOT_OURS)) {
      process.stdout.write(`      not run: ${file}: ${why}\n`)
    }
  })

  it('have a curated selection that stands alone', () => {
    const curated = FOLDERS.flatMap((folder) => {
      const path = join(ROOT, 'fixtures/pqc', folder)
      return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : []
    })
    for (const file of curated) {
      expect(COVERED.has(file), file).to.equal(true)
      expect(readFileSync(join(ROOT, 'fixtures/pqc', file)).length, file).to.be.greaterThan(0)
    }
    expect(curated.length).to.be.greaterThan(20)
  })
})
