import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SigningKey, cryptoStatus, runSelfTests, sealFolder } from '@gridseal/pqc'
import { withFolder } from '../../../../test/support/folders.ts'

/**
 * Runs `work` while the crypto core is in its error state, in which every call throws: a file is not as its manifest says.
 * What `work` returns is returned when the core works again.
 */
export async function inErrorState<T>(work: () => T | Promise<T>): Promise<T> {
  const key = SigningKey.generate('ML-DSA-44')
  return withFolder(async (folder) => {
    await mkdir(join(folder, 'dist'))
    const file = join(folder, 'package.json')
    await writeFile(file, '{}')
    for (const [name, bytes] of Object.entries(await sealFolder(folder, key)))
      await writeFile(join(folder, name), bytes)
    const test = (): unknown => runSelfTests({ folder, integrityKey: key.publicKey, providers: [] })
    try {
      await writeFile(file, '{ }')
      test()
      if (cryptoStatus().state !== 'error') throw new Error('the core works')
      return await work()
    } finally {
      await writeFile(file, '{}')
      test()
    }
  })
}
