import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  DecapsulationKey,
  KeyRing,
  Policy,
  PublicKeyCache,
  SigningKey,
  VerifyingKey,
  decryptPkcs8,
  encryptPkcs8,
  readKemKeyFile,
  readKeyFile,
  setPolicy,
  verifyWithRing,
  writeKeyFile,
} from '@gridseal/pqc'
import { AuthError, DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { withFolder } from '../../../../test/support/folders.ts'

const MESSAGE = new TextEncoder().encode('tap position 7')
const cost = { N: 1024, r: 8, p: 1 }

describe('encrypted key files', () => {
  it('open with the passphrase and with nothing else', () =>
    withFolder(async (folder) => {
      const [path, kemPath] = [join(folder, 'a.key'), join(folder, 'b.key')]
      const key = SigningKey.generate('ML-DSA-44')
      await writeKeyFile(path, key, { passphrase: 'Zählerstand 7', cost })
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
      expect(await readFile(path, 'utf8')).to.match(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
      const back = await readKeyFile(path, { passphrase: 'Zählerstand 7' })
      expect(toHex(back.toSeed())).to.equal(toHex(key.toSeed()))
      // The same characters, composed otherwise.
      await readKeyFile(path, { passphrase: 'Zählerstand 7'.normalize('NFD') })
      const code = async (promise: Promise<unknown>): Promise<unknown> =>
        ((await promise.catch((error: unknown) => error)) as { code?: unknown }).code
      expect(await code(readKeyFile(path))).to.equal('pqc.key-file.passphrase')
      expect(await code(readKeyFile(path, { passphrase: 'Zaehlerstand 7' }))).to.equal('pqc.passphrase.wrong')
      const kem = DecapsulationKey.generate('ML-KEM-768')
      await writeKeyFile(kemPath, kem, { passphrase: 'x', cost })
      expect(toHex((await readKemKeyFile(kemPath, { passphrase: 'x' })).seed)).to.equal(toHex(kem.seed))
    }))

  it('refuse damage, and costs that would stop us', async () => {
    const der = await encryptPkcs8(SigningKey.generate('ML-DSA-44').toPkcs8(), 'x', cost)
    for (let at = 0; at < der.length; at++) {
      const wrong = der.slice()
      wrong[at]! ^= 1
      const error: unknown = await decryptPkcs8(wrong, 'x').catch((thrown: unknown) => thrown)
      expect(
        error instanceof DecodeError || error instanceof AuthError || error instanceof UsageError,
        `byte ${at}`,
      ).to.equal(true)
    }
    const greedy = await encryptPkcs8(new Uint8Array(8), 'x', cost)
    // N = 1024, r = 8, p = 1, of which p becomes 127.
    const at = Buffer.from(greedy).indexOf(Buffer.from([2, 2, 4, 0]))
    greedy[at + 9] = 0x7f
    const error: unknown = await decryptPkcs8(greedy, 'x').catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(DecodeError).with.property('code', 'pqc.scrypt.cost')
  })
})

describe('the cost of scrypt', () => {
  it('is refused by name where it makes no sense', async () => {
    for (const wrong of [
      { N: 1000, r: 8, p: 1 },
      { N: 1, r: 8, p: 1 },
      { N: 2 ** 19, r: 8, p: 1 },
      { N: 1024, r: 1.5, p: 1 },
      { N: 1024, r: 0, p: 1 },
      { N: 1024, r: 8, p: 0.5 },
      { N: 1024, r: 8, p: 17 },
      // p blocks of 128 r bytes, too, are memory.
      { N: 2, r: 2 ** 18, p: 16 },
    ]) {
      const error: unknown = await encryptPkcs8(new Uint8Array(8), 'x', wrong).catch((thrown: unknown) => thrown)
      expect(error, JSON.stringify(wrong)).to.be.instanceOf(UsageError).with.property('code', 'pqc.scrypt.cost')
      expect(error).to.have.property('message', 'the cost of scrypt is out of range')
    }
  })

  it('may be 256 MiB', async () => {
    // What encryptPkcs8 has made of eight zero bytes under "x", with N = 2^18 and r = 8.
    const der = fromHex(
      '308188306c06092a864886f70d01050d305f303d06092b06010401da47040b3030042022ceb5ffd023aec2242939342f' +
        '551ee810ee8606bfa0e89ce01faa0352174e460203040000020108020101020120301e060960864801650304012e3011' +
        '040c96c37f1b4c2d7dd89c0ec7650201100418067cc3cc9268cf8ba59319cbaf5e2c0847f7e9b2c0c630b6',
    )
    expect(toHex(await decryptPkcs8(der, 'x'))).to.equal('00'.repeat(8))
  })
})

describe('cache of imported public keys', () => {
  it('gives the same key for the same bytes, and forgets the least recently used', () => {
    const cache = new PublicKeyCache(2)
    const [a, b, c] = [1, 2, 3].map(() => SigningKey.generate('ML-DSA-44')) as [SigningKey, SigningKey, SigningKey]
    const find = (key: SigningKey): VerifyingKey => cache.verifyingKey('ML-DSA-44', Uint8Array.from(key.publicKey.raw))
    const first = find(a)
    find(b)
    expect(find(a)).to.equal(first)
    find(c)
    expect(find(a)).to.equal(first)
    expect(cache.counters).to.deep.equal({ hits: 2, misses: 3, evictions: 1 })
    find(b)
    expect(cache.counters.misses).to.equal(4)
    expect(cache.size).to.equal(2)
  })

  it('is not fooled by a key that begins as another, or that has another algorithm', () => {
    const cache = new PublicKeyCache(8)
    const key = SigningKey.generate('ML-DSA-44')
    cache.verifyingKey('ML-DSA-44', key.publicKey.raw)
    const twin = key.publicKey.raw.slice()
    twin[1000]! ^= 1
    const other = cache.verifyingKey('ML-DSA-44', twin)
    expect(other.verify(MESSAGE, key.signSync(MESSAGE))).to.equal(false)
    // Twins take each other's place, and leave nothing behind.
    expect(cache.size).to.equal(1)
    expect(cache.verifyingKey('ML-DSA-44', key.publicKey.raw).verify(MESSAGE, key.signSync(MESSAGE))).to.equal(true)
    expect(cache.size).to.equal(1)
    expect(() => cache.verifyingKey('ML-DSA-65', key.publicKey.raw))
      .to.throw(UsageError)
      .with.property('code', 'pqc.key.length')
  })

  it('keeps KEM keys, too', () => {
    const cache = new PublicKeyCache(8)
    const key = DecapsulationKey.generate('X-Wing')
    const { ciphertext, sharedSecret } = cache.encapsulationKey('X-Wing', key.publicKey).encapsulate()
    expect(toHex(key.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
    expect(cache.encapsulationKey('X-Wing', key.publicKey)).to.equal(cache.encapsulationKey('X-Wing', key.publicKey))
  })
})

describe('key ring', () => {
  const [old, next] = [SigningKey.generate('ML-DSA-44'), SigningKey.generate('ML-DSA-65')]

  it('rotates a device: both keys verify during the overlap, then only the new one', () => {
    const ring = new KeyRing<VerifyingKey>()
    ring.add('meter-7', { key: old.publicKey, notBefore: 0, notAfter: Number.POSITIVE_INFINITY })
    ring.rotate('meter-7', next.publicKey, 1000, 100)
    const verifies = (key: SigningKey, now: number): boolean =>
      verifyWithRing(ring, 'meter-7', now, MESSAGE, key.signSync(MESSAGE))
    expect([verifies(old, 999), verifies(old, 1099), verifies(old, 1100)]).to.deep.equal([true, true, false])
    expect([verifies(next, 999), verifies(next, 1000), verifies(next, 1e9)]).to.deep.equal([false, true, true])
    expect(ring.current('meter-7', 1050)).to.equal(next.publicKey)
    expect(verifyWithRing(ring, 'meter-8', 1050, MESSAGE, old.signSync(MESSAGE))).to.equal(false)
    ring.prune(2000)
    expect(ring.valid('meter-7', 1050)).to.deep.equal([next.publicKey])
    expect([ring.remove('meter-7'), ring.remove('meter-7'), ring.size]).to.deep.equal([true, false, 0])
  })

  it('verifies with the keys that policy lets verify, and tells refused from forged', () => {
    const ring = new KeyRing<VerifyingKey>()
    const [older, newer] = [old, next].map(({ publicKey: { algorithm, raw } }) => VerifyingKey.fromRaw(algorithm, raw))
    ring.add('meter-7', { key: older!, notBefore: 0, notAfter: 100 })
    ring.add('meter-7', { key: newer!, notBefore: 1, notAfter: 100 })
    const [byOld, byNext] = [old.signSync(MESSAGE), next.signSync(MESSAGE)]
    const verifies = (signature: Uint8Array): boolean => verifyWithRing(ring, 'meter-7', 10, MESSAGE, signature)
    const before = setPolicy(new Policy({ forbidden: ['ML-DSA-65'] }))
    try {
      expect(verifies(byOld), 'the newer key is refused, the older made it').to.equal(true)
      expect(() => verifies(byNext))
        .to.throw(AuthError)
        .with.property('code', 'pqc.policy.refused')
    } finally {
      setPolicy(before)
    }
    expect([verifies(byOld), verifies(byNext)]).to.deep.equal([true, true])
  })

  it('a rotation that is refused changes nothing', () => {
    const ring = new KeyRing<string>()
    ring.add('a', { key: 'old', notBefore: 0, notAfter: Infinity })
    for (const [overlap, notAfter, code] of [
      [100, 1000, 'pqc.key-ring.window'],
      [-1, Infinity, 'pqc.argument.range'],
      [NaN, Infinity, 'pqc.argument.range'],
    ] as const) {
      expect(() => ring.rotate('a', 'new', 1000, overlap, notAfter))
        .to.throw(UsageError)
        .with.property('code', code)
    }
    expect(ring.valid('a', 1e9)).to.deep.equal(['old'])
  })

  it('two rotations in one millisecond leave both keys valid during the overlap', () => {
    const ring = new KeyRing<string>()
    ring.rotate('a', 'first', 1000, 100)
    ring.rotate('a', 'second', 1000, 100)
    expect([ring.valid('a', 1000), ring.current('a', 1000)]).to.deep.equal([['first', 'second'], 'second'])
    expect(ring.valid('a', 1100)).to.deep.equal(['second'])
  })

  it('does not grow without end, nor take windows that are empty', () => {
    const ring = new KeyRing<number>()
    for (let i = 0; i < 100; i++) ring.rotate('a', i, 10 * i, 1000)
    expect(ring.current('a', 995)).to.equal(99)
    const full = new KeyRing<number>()
    for (let i = 0; i < 8; i++) full.add('a', { key: i, notBefore: i, notAfter: 100 })
    expect(() => full.add('a', { key: 9, notBefore: 9, notAfter: 100 }))
      .to.throw(UsageError)
      .with.property('code', 'pqc.key-ring.full')
    expect(() => full.add('b', { key: 1, notBefore: 5, notAfter: 5 }))
      .to.throw(UsageError)
      .with.property('code', 'pqc.key-ring.window')
  })
})
