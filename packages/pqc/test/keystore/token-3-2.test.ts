import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Pkcs11KeyStore, Policy, SigningKey, encapsulate, setPolicy } from '@gridseal/pqc'
import { AuthError, DecodeError, UsageError, toHex } from '@gridseal/wire'
import type { Pkcs11 } from '#src/keystore/pkcs11-binding.ts'
import { CKA, CKO } from '#src/keystore/pkcs11-numbers.ts'
import { Token32 } from './token-3-2.ts'

const MESSAGE = new TextEncoder().encode('tap position 7')

describe('a token with ML-DSA and ML-KEM inside (PKCS#11 3.2)', () => {
  it('makes and uses ML-KEM keys in the token; a secret is an object only while it is read', async () => {
    const token = new Token32()
    const options = { library: 'x', token: 'token 3.2', pin: '1', folder: tmpdir() }
    const store = await Pkcs11KeyStore.open(options, token as unknown as Pkcs11)
    for (const algorithm of ['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'] as const) {
      const made = await store.generateKem(algorithm, algorithm)
      expect(token.objects.size).to.equal(2)
      const { ciphertext, sharedSecret } = encapsulate(algorithm, made.publicKey)
      const opened = await store.openKem(algorithm)
      expect(opened.algorithm).to.equal(algorithm)
      expect(toHex(opened.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
      expect(() => opened.decapsulate(ciphertext.subarray(1))).to.throw(DecodeError)
      expect(token.objects.size).to.equal(2)
      await store.removeKem(algorithm)
      expect(token.objects.size).to.equal(0)
    }
  })

  it('makes and uses ML-DSA keys in the token: no seed leaves it, no file is written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    try {
      const token = new Token32()
      const options = { library: 'x', token: 'token 3.2', pin: '1', folder }
      const store = await Pkcs11KeyStore.open(options, token as unknown as Pkcs11)
      expect((await store.health()).detail).to.include('ML-DSA in the token')
      const made = await store.generate('station', 'ML-DSA-65')
      expect((await store.list()).map(({ name, algorithm, place }) => [name, algorithm, place])).to.deep.equal([
        ['station', 'ML-DSA-65', 'token'],
      ])
      const opened = await store.open('station')
      expect(made.publicKey.verify(MESSAGE, await opened.sign(MESSAGE))).to.equal(true)
      await store.remove('station')
      expect(token.objects.size).to.equal(0)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  describe('asks policy as keys of this process do', () => {
    let before: Policy
    beforeEach(() => {
      before = setPolicy(new Policy())
    })
    afterEach(() => {
      setPolicy(before)
    })
    const refused = async (promise: Promise<unknown>, kind: typeof UsageError | typeof AuthError): Promise<void> => {
      const error: unknown = await promise.catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(kind).with.property('code', 'pqc.policy.refused')
    }

    it('makes no key that policy would not have', async () => {
      const [token, store] = await opened()
      setPolicy(new Policy({ forbidden: ['ML-DSA-65', 'ML-KEM-768'] }))
      await refused(store.generate('station', 'ML-DSA-65'), UsageError)
      await refused(store.generateKem('station', 'ML-KEM-768'), UsageError)
      expect(token.objects.size).to.equal(0)
    })

    it('does not sign, nor open, with a key that policy will not have any more', async () => {
      const [, store] = await opened()
      const [key, kem] = [await store.generate('station', 'ML-DSA-65'), await store.generateKem('opener', 'ML-KEM-768')]
      const { ciphertext } = encapsulate('ML-KEM-768', kem.publicKey)
      setPolicy(new Policy({ deprecated: { 'ML-DSA-65': '2020-01-01', 'ML-KEM-768': '2020-01-01' } }))
      await refused(key.sign(MESSAGE), UsageError)
      expect(kem.decapsulate(ciphertext).length).to.equal(32)
      setPolicy(new Policy({ forbidden: ['ML-KEM-768'] }))
      expect(() => kem.decapsulate(ciphertext))
        .to.throw(AuthError)
        .with.property('code', 'pqc.policy.refused')
    })
  })

  it('refuses to hash first: the token would sign the message itself', async () => {
    const [, store] = await opened()
    const key = await store.generate('station', 'ML-DSA-65')
    const error: unknown = await key.sign(MESSAGE, { prehash: 'SHA2-512' }).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.prehash.unsupported')
  })

  it('does not choose between two keys of one name: a public and a private one might be halves of different keys', async () => {
    const [token, store] = await opened()
    const key = await store.generate('station', 'ML-DSA-65')
    const kem = await store.generateKem('opener', 'ML-KEM-768')
    const twins = Array.from(token.objects, ([id, stored]) => [id + 1000, stored] as const)
    for (const [id, stored] of twins) token.objects.set(id, stored)
    const { ciphertext } = encapsulate('ML-KEM-768', kem.publicKey)
    for (const call of [
      () => store.open('station'),
      () => key.sign(MESSAGE),
      () => store.openKem('opener'),
      async () => kem.decapsulate(ciphertext),
    ]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.hsm.ambiguous')
    }
    await store.remove('station')
    await store.removeKem('opener')
    expect(token.objects.size).to.equal(0)
  })

  it('leaves no copy of a seed that it has wrapped or unwrapped, nor of one that it could not wrap', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    try {
      const [token, store] = await opened(folder)
      await store.import('one', SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(7)))
      expect((await store.open('one')).publicKey.algorithm).to.equal('ML-DSA-44')
      expect(token.decrypted.map((bytes) => toHex(bytes))).to.deep.equal(['00'.repeat(32)])
      token.encryptResult = 5
      const failed: unknown = await store
        .import('two', SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(8)))
        .catch((thrown: unknown) => thrown)
      expect(failed).to.have.property('code', 'pqc.hsm.failed')
      expect(token.encrypted.map((bytes) => toHex(bytes))).to.deep.equal(['00'.repeat(32), '00'.repeat(32)])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('lists all keys of a token that has many', async () => {
    const [, store] = await opened()
    const names = Array.from({ length: 65 }, (_, i) => `meter-${i}`)
    for (const name of names) await store.generate(name, 'ML-DSA-44')
    const listed = (await store.list()).filter(({ place }) => place === 'token').map(({ name }) => name)
    expect(listed.sort()).to.deep.equal(names.sort())
  })

  it('says which key has lost its public half', async () => {
    const [token, store] = await opened()
    await store.generate('station', 'ML-DSA-65')
    for (const [id, { attributes }] of token.objects) {
      if (attributes.get(CKA.CLASS) === CKO.PUBLIC_KEY) token.objects.delete(id)
    }
    for (const call of [() => store.open('station'), () => store.list()]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'pqc.hsm.key')
      expect(String(error)).to.include('"station"')
    }
  })
})

async function opened(folder: string = tmpdir()): Promise<[Token32, Pkcs11KeyStore]> {
  const token = new Token32()
  const options = { library: 'x', token: 'token 3.2', pin: '1', folder }
  return [token, await Pkcs11KeyStore.open(options, token as unknown as Pkcs11)]
}
