import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { DecapsulationKey, selectProvider } from '@gridseal/pqc'
import type { HybridKemAlgorithm } from '@gridseal/pqc'
import { fromHex, toHex } from '@gridseal/wire'
import type { HybridEncapsulator } from '#src/providers/hybrid-kem.ts'
import { ROOT, SHARED_VECTORS, needFolder } from '../../../../test/support/requirements.ts'
import { COVERED, PROVIDERS } from './vector-file.ts'

type HybridVector = Readonly<Record<'seed' | 'randomness' | 'pk' | 'ct' | 'ss', string>>

const FILES: readonly (readonly [string, HybridKemAlgorithm])[] = [
  ['MLKEM768X25519', 'X-Wing'],
  ['MLKEM768P256', 'MLKEM768-P256'],
  ['MLKEM1024P384', 'MLKEM1024-P384'],
]

describe('hybrid KEM vectors', () => {
  for (const [name, algorithm] of FILES) {
    const file = `hybrid/${name}.json`
    COVERED.add(file)
    for (const [source, folder] of [
      ['curated', join(ROOT, 'fixtures/pqc')],
      ['complete', SHARED_VECTORS],
    ] as const) {
      for (const provider of PROVIDERS) {
        it(`${file}, ${source}, ${provider}`, function () {
          const path = join(folder, file)
          if (source === 'complete') needFolder(this, path)
          const vectors = JSON.parse(readFileSync(path, 'utf8')) as HybridVector[]
          this.test!.title += `: ${vectors.length} of ${vectors.length}`
          expect(vectors).not.to.have.length(0)
          for (const { seed, randomness, pk, ct, ss } of vectors) {
            const key = DecapsulationKey.fromSeed(algorithm, fromHex(seed), { provider })
            expect(toHex(key.publicKey)).to.equal(pk)
            expect(toHex(key.decapsulate(fromHex(ct)))).to.equal(ss)
            if (provider === 'native') continue // cannot be given its randomness
            const implementation = selectProvider(algorithm, { provider }).kem(algorithm)!
            const encapsulator = implementation.encapsulator(key.publicKey) as HybridEncapsulator
            const made = encapsulator.encapsulate(fromHex(randomness))
            expect(toHex(made.ciphertext)).to.equal(ct)
            expect(toHex(made.sharedSecret)).to.equal(ss)
          }
        })
      }
    }
  }
})
