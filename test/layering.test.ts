import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ROOT } from './support/requirements.ts'

/** Floors of docs/architecture.md: a package may depend on packages of lower floors only. */
const FLOORS: Readonly<Record<string, number>> = {
  wire: 1,
  pqc: 2,
  pcap: 2,
  transport: 2,
  adapter: 2,
  modbus: 3,
  dnp3: 3,
  iec61850: 3,
  envelope: 3,
  channel: 3,
  bridge: 4,
  cli: 5,
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = (name: string): Manifest => JSON.parse(read(`packages/${name}/package.json`)) as Manifest

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
}

describe('the floors', () => {
  const names = readdirSync(join(ROOT, 'packages'))

  it('know every package', () => {
    expect(names.sort()).to.deep.equal(Object.keys(FLOORS).sort())
  })

  for (const name of names) {
    it(`${name} depends and builds on lower floors only, and imports what it depends on`, () => {
      const own = Object.keys(manifest(name).dependencies ?? {}).filter((d) => d.startsWith('@gridseal/'))
      const allowed = own.map((dependency) => dependency.slice('@gridseal/'.length))
      for (const dependency of allowed) expect(FLOORS[dependency], dependency).to.be.lessThan(FLOORS[name] ?? 0)
      const references = (JSON.parse(read(`packages/${name}/tsconfig.json`)) as { references: { path: string }[] })
        .references
      expect(references.map(({ path }) => path.slice(3)).sort()).to.deep.equal([...allowed].sort())
      for (const file of sources(`packages/${name}/src`)) {
        for (const [, imported] of read(file).matchAll(/from '@gridseal\/([a-z0-9-]+)'/g)) {
          expect(allowed, `${file} imports ${imported}`).to.include(imported)
        }
      }
    })
  }

  it('have one version', () => {
    const { version } = JSON.parse(read('lerna.json')) as { version: string }
    for (const name of names) {
      expect(manifest(name).version, name).to.equal(version)
      for (const [dependency, range] of Object.entries(manifest(name).dependencies ?? {})) {
        if (dependency.startsWith('@gridseal/')) expect(range, `${name} > ${dependency}`).to.equal(version)
      }
    }
  })
})

describe('the house', () => {
  it('throws no plain Error, has no long files that are not tables', () => {
    for (const file of readdirSync(join(ROOT, 'packages')).flatMap((name) => sources(`packages/${name}/src`))) {
      expect(read(file), file).to.not.match(/new Error\(/)
      expect(read(file).split('\n').length, file).to.be.lessThan(500)
    }
  })

  it('has a lockfile without download addresses', () => {
    expect(read('package-lock.json')).to.not.match(/"resolved": "https?:/)
  })
})
