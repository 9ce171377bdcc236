import { join } from 'node:path'
import { SigningKey, writeKeyFile } from '@gridseal/pqc'
import type { BridgeEvent } from '@gridseal/bridge'
import { expect } from 'chai'
import { BatchKeys } from '#src/signing/batch-keys.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'

describe('the keys that sign batches', () => {
  it('change by their windows, also after a change that a stream could not take', () =>
    withFolder(async (folder) => {
      const names = ['first', 'second', 'third'] as const
      const keys = names.map(() => SigningKey.generate('ML-DSA-44'))
      for (const [index, name] of names.entries()) await writeKeyFile(join(folder, `${name}.key`), keys[index]!)
      // Stands until the test sets it, so that no window passes unseen on a busy machine.
      let clock = 1_700_000_000_000
      const apart = 50
      const events: BridgeEvent[] = []
      const config = {
        keys: names.map((name, index) => ({
          file: join(folder, `${name}.key`),
          from: clock + index * apart,
        })),
      }
      const [identity] = [SigningKey.generate('ML-DSA-44')]
      const batch = await BatchKeys.open(
        identity,
        config,
        [],
        () => clock,
        (event) => events.push(event),
      )
      const changed: string[] = []
      batch.onChange(({ publicKey }) => {
        changed.push(publicKey.fingerprintText)
        if (changed.length === 1) throw new Error('this stream is out of order')
      })
      try {
        clock += apart
        await until('the first change', () => changed.length === 1)
        clock += apart
        await until('the second change', () => changed.length === 2)
        expect(changed).to.deep.equal(keys.slice(1).map(({ publicKey }) => publicKey.fingerprintText))
        expect(events.map(({ code }) => code)).to.deep.equal([
          'signing.changed',
          'internal.unexpected',
          'signing.changed',
        ])
      } finally {
        await batch.close()
      }
    }))
})
