import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FileKeyStore, MemoryKeyStore, Pkcs11KeyStore, SigningKey } from '@gridseal/pqc'
import type { KeyStore } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import { makeToken, needSoftHsm } from './softhsm.ts'

const MESSAGE = new TextEncoder().encode('tap position 7')

describe('a key store of files', () => {
  it('keeps no key whose public half could not be written: its name stays free', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridseal-store-'))
    try {
      const store = new FileKeyStore({ folder })
      await mkdir(join(folder, 'a.pub'))
      const error: unknown = await store.generate('a', 'ML-DSA-44').catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.key-file.write')
      expect(await readdir(folder)).to.deep.equal(['a.pub'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const STORES: readonly (readonly [string, (folder: string, context: Mocha.Context) => Promise<KeyStore>])[] = [
  ['memory', async () => new MemoryKeyStore()],
  ['file', async (folder) => new FileKeyStore({ folder })],
  ['file, encrypted', async (folder) => new FileKeyStore({ folder, passphrase: 'x', cost: { N: 1024, r: 8, p: 1 } })],
  [
    'pkcs11',
    async (folder, context) => {
      const token = await makeToken(needSoftHsm(context), folder, 'suite')
      return Pkcs11KeyStore.open({ ...token, folder })
    },
  ],
]

for (const [name, make] of STORES) {
  describe(`key store: ${name}`, function () {
    this.timeout(30_000)
    let folder: string
    let store: KeyStore
    before(async function () {
      folder = await mkdtemp(join(tmpdir(), 'gridseal-store-'))
      store = await make(folder, this)
    })
    after(async () => {
      await store?.close()
      await rm(folder, { recursive: true, force: true })
    })

    it('makes keys and signs with them', async () => {
      for (const algorithm of ['ML-DSA-44', 'ECDSA-P256', 'MLDSA44-Ed25519-SHA512', 'SLH-DSA-SHA2-128f'] as const) {
        const made = await store.generate(`made-${algorithm}`, algorithm)
        expect(made.publicKey.algorithm).to.equal(algorithm)
        const opened = await store.open(`made-${algorithm}`)
        expect(opened.publicKey.equals(made.publicKey)).to.equal(true)
        for (const signer of [made, opened]) {
          expect(made.publicKey.verify(MESSAGE, await signer.sign(MESSAGE)), algorithm).to.equal(true)
        }
      }
    })

    it('takes keys that were made elsewhere', async () => {
      const key = SigningKey.generate('ML-DSA-65')
      const before = await store.list()
      await store.import('imported', key)
      expect((await store.open('imported')).publicKey.equals(key.publicKey)).to.equal(true)
      const listed = await store.list()
      const [added, ...others] = listed.filter(({ name: one }) => !before.some((entry) => entry.name === one))
      expect([added, others]).to.deep.equal([
        { name: 'imported', algorithm: 'ML-DSA-65', kid: toHex(key.publicKey.fingerprint), place: 'process' },
        [],
      ])
    })

    it('refuses names that are taken, unknown or no names', async () => {
      const code = async (promise: Promise<unknown>): Promise<unknown> => {
        const error: unknown = await promise.catch((thrown: unknown) => thrown)
        expect(error).to.be.instanceOf(UsageError)
        return (error as UsageError).code
      }
      const { publicKey } = await store.generate('taken', 'ML-DSA-44')
      expect(await code(store.generate('taken', 'ML-DSA-44'))).to.equal('pqc.key-store.exists')
      expect(await code(store.import('taken', SigningKey.generate('ML-DSA-44')))).to.equal('pqc.key-store.exists')
      expect((await store.open('taken')).publicKey.equals(publicKey)).to.equal(true)
      expect(await code(store.open('nothing'))).to.equal('pqc.key-store.unknown')
      expect(await code(store.remove('nothing'))).to.equal('pqc.key-store.unknown')
      for (const wrong of ['', '../x', 'a/b', '.hidden', 'x'.repeat(65)]) {
        expect(await code(store.generate(wrong, 'ML-DSA-44'))).to.equal('pqc.key-store.name')
      }
    })

    it('forgets a key', async () => {
      const names = async (): Promise<string[]> => (await store.list()).map((entry) => entry.name)
      await store.generate('generated-here', 'ECDSA-P256')
      await store.import('made-elsewhere', SigningKey.generate('ML-DSA-65'))
      expect(await names()).to.include.members(['generated-here', 'made-elsewhere'])
      for (const one of ['generated-here', 'made-elsewhere']) {
        await store.remove(one)
        expect(await names()).not.to.include(one)
      }
    })

    it('is healthy', async () => {
      expect((await store.health()).ok).to.equal(true)
    })
  })
}
