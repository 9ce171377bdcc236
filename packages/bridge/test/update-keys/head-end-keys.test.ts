import { join } from 'node:path'
import { SigningKey } from '@gridseal/pqc'
import { expect } from 'chai'
import { HeadEndKeys } from '#src/update-keys/head-end-keys.ts'
import { withFolder } from '../../../../test/support/folders.ts'

describe('update keys of a head-end', () => {
  it('that are due while the channel is down wait for it, and look at the clock only now and then', () =>
    withFolder(async (folder) => {
      let looks = 0
      const keys = new HeadEndKeys({
        site: 's',
        key: SigningKey.generate('ML-DSA-44'),
        peer: () => undefined,
        links: [{ id: 'x', keys: [{ user: 'u', file: join(folder, 'u.key'), every: 1000, retry: 1000 }] }],
        now: () => {
          looks++
          return Date.now()
        },
        report: () => undefined,
      })
      await keys.start()
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(looks).to.be.below(10)
      const sent: Uint8Array[] = []
      const offered = new Promise<void>((resolve) =>
        keys.up((bytes) => {
          sent.push(bytes)
          resolve()
        }),
      )
      await offered
      expect(sent.length).to.equal(1)
      keys.stop()
    }))
})
