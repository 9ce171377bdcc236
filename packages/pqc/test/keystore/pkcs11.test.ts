import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  Pkcs11KeyStore,
  SigningKey,
  VerifyingKey,
  WRAPPING_KEY,
  compositeMessageSigner,
  encapsulate,
  escrowWrappingKey,
  formatShare,
  parseShare,
  restoreWrappingKey,
} from '@gridseal/pqc'
import type { TokenOptions } from '@gridseal/pqc'
import { AuthError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { loadPkcs11 } from '#src/keystore/pkcs11-binding.ts'
import type { Attribute, Handle, Pkcs11 } from '#src/keystore/pkcs11-binding.ts'
import { CKA, CKM } from '#src/keystore/pkcs11-numbers.ts'
import { needOptional } from '../../../../test/support/requirements.ts'
import { PIN, makeToken, needSoftHsm } from './softhsm.ts'

const TEXT = 'tap position 7'
const MESSAGE = new TextEncoder().encode(TEXT)

/** What only a test does to keys of a token. */
interface Relabelling {
  C_SetAttributeValue(session: Handle, object: Handle, template: Attribute[]): void
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown)
  return (error as { code?: unknown }).code
}

describe('keys behind a token (SoftHSM)', function () {
  this.timeout(60_000)
  let folder: string
  let token: TokenOptions
  let library: string
  before(async function () {
    library = needSoftHsm(this)
    folder = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    token = await makeToken(library, folder, 'field')
  })
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })
  const openStore = (purpose?: string): Promise<Pkcs11KeyStore> =>
    Pkcs11KeyStore.open({ ...token, folder, ...(purpose === undefined ? {} : { purpose }) })

  it('wraps a seed, and after a restart unwraps it and signs; ECDSA signs inside', async () => {
    const store = await openStore()
    const [pq, classical] = [
      await store.import('pq', SigningKey.generate('ML-DSA-65')),
      await store.generate('classical', 'ECDSA-P256'),
    ]
    expect((await store.list()).map(({ name, place }) => [name, place])).to.deep.equal([
      ['classical', 'token'],
      ['pq', 'process'],
    ])
    const file = await readFile(join(folder, 'pq.wrapped'), 'utf8')
    expect(file).to.include('"algorithm": "ML-DSA-65"')
    await store.close()
    for (const [name, key] of [
      ['pq', pq.publicKey],
      ['classical', classical.publicKey],
    ] as const) {
      const script = join(import.meta.dirname, 'sign-in-child.ts')
      const args = [...process.execArgv, script, library, token.token, PIN, folder, name, TEXT]
      const signature = execFileSync(process.execPath, args, {
        encoding: 'utf8',
        cwd: join(import.meta.dirname, '../..'),
      })
      expect(key.verify(MESSAGE, fromHex(signature)), name).to.equal(true)
    }
  })

  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    it(`${algorithm} signs inside a token that has the mechanism (PKCS#11 3.2)`, async function () {
      const store = await openStore()
      try {
        const { detail } = await store.health()
        needOptional(
          this,
          detail.includes('ML-DSA in the token'),
          'needs SoftHSM with ML-DSA, named by GRIDSEAL_SOFTHSM',
        )
        const made = await store.generate(`inside-${algorithm}`, algorithm)
        const opened = await store.open(`inside-${algorithm}`)
        expect(opened.publicKey.equals(made.publicKey)).to.equal(true)
        for (const provider of ['native', 'noble'] as const) {
          const key = VerifyingKey.fromRaw(algorithm, made.publicKey.raw, { provider })
          expect(key.verify(MESSAGE, await opened.sign(MESSAGE)), provider).to.equal(true)
        }
        const entry = (await store.list()).find(({ name }) => name === `inside-${algorithm}`)
        expect([entry?.place, entry?.algorithm]).to.deep.equal(['token', algorithm])
        await store.remove(`inside-${algorithm}`)
        expect((await store.list()).map(({ name }) => name)).not.to.include(`inside-${algorithm}`)
      } finally {
        await store.close()
      }
    })
  }

  it('wraps the seed of an ML-KEM key, and after a restart opens with it', async () => {
    const store = await openStore()
    const made = await store.generateKem('kem', 'ML-KEM-768')
    const { ciphertext, sharedSecret } = encapsulate('ML-KEM-768', made.publicKey)
    await store.close()
    const file = join(folder, 'kem.wrapped-kem')
    const text = await readFile(file, 'utf8')
    const again = await openStore()
    try {
      const opened = await again.openKem('kem')
      expect([opened.algorithm, toHex(opened.publicKey)]).to.deep.equal(['ML-KEM-768', toHex(made.publicKey)])
      expect(toHex(opened.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
      expect(await codeOf(again.generateKem('kem', 'ML-KEM-512'))).to.equal('pqc.key-store.exists')
      expect(await codeOf(again.generate('kem', 'ML-DSA-44'))).to.equal('pqc.key-store.exists')
      // Neither another algorithm nor a key of signatures.
      await writeFile(file, text.replace('ML-KEM-768', 'ML-KEM-512'))
      expect(await codeOf(again.openKem('kem'))).to.equal('pqc.hsm.unwrap')
      await writeFile(file, text.replace('ML-KEM-768', 'ML-DSA-65'))
      expect(await codeOf(again.openKem('kem'))).to.equal('pqc.wrapped-seed.format')
      await again.removeKem('kem')
      expect(await codeOf(again.openKem('kem'))).to.equal('pqc.key-store.unknown')
      expect(await codeOf(again.removeKem('kem'))).to.equal('pqc.key-store.unknown')
    } finally {
      await again.close()
    }
  })

  it('leaves no half-written seed behind on a full disk: its name stays free', async () => {
    const store = await openStore()
    const handle = await open('/dev/null')
    const prototype = Object.getPrototypeOf(handle) as { writeFile: unknown }
    await handle.close()
    const { writeFile: write } = prototype
    prototype.writeFile = () => Promise.reject(Object.assign(new TypeError('no space left'), { code: 'ENOSPC' }))
    try {
      expect(await codeOf(store.import('late', SigningKey.generate('ML-DSA-44')))).to.equal('pqc.key-file.write')
    } finally {
      prototype.writeFile = write
    }
    expect((await readdir(folder)).filter((file) => file.startsWith('late'))).to.deep.equal([])
    await store.import('late', SigningKey.generate('ML-DSA-44'))
    expect((await store.open('late')).publicKey.algorithm).to.equal('ML-DSA-44')
    await store.remove('late')
    await store.close()
  })

  it('gives the classical leg of a dual signature whose other leg is a wrapped seed', async () => {
    const store = await openStore()
    const [pq, classical] = [await store.open('pq'), await store.open('classical')]
    const dual = compositeMessageSigner('MLDSA65-ECDSA-P256-SHA512', pq, classical)
    expect(dual.publicKey.verify(MESSAGE, await dual.sign(MESSAGE))).to.equal(true)
    await store.close()
  })

  it('does not unwrap for another purpose, nor what was changed', async () => {
    const other = await openStore('archive')
    expect(await codeOf(other.open('pq'))).to.equal('pqc.hsm.unwrap')
    await other.close()
    const store = await openStore()
    const path = join(folder, 'pq.wrapped')
    const good = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
    const expectCode = async (changed: Record<string, unknown>, code: string): Promise<void> => {
      await writeFile(path, JSON.stringify({ ...good, ...changed }))
      expect(await codeOf(store.open('pq')), JSON.stringify(changed)).to.equal(code)
    }
    await expectCode({ algorithm: 'ML-DSA-44' }, 'pqc.hsm.unwrap')
    await expectCode({ kid: '00'.repeat(32) }, 'pqc.hsm.unwrap')
    const damaged = fromHex(good['sealed']!)
    damaged[0]! ^= 1
    await expectCode({ sealed: toHex(damaged) }, 'pqc.hsm.unwrap')
    await expectCode({ kek: '00'.repeat(16) }, 'pqc.hsm.kek')
    await expectCode({ algorithm: 'RSA' }, 'pqc.wrapped-seed.format')
    await expectCode({ nonce: 'xyz' }, 'pqc.wrapped-seed.format')
    await writeFile(path, JSON.stringify(good))
    expect((await store.open('pq')).publicKey.algorithm).to.equal('ML-DSA-65')
    expect(store.unwraps).to.be.greaterThan(0)
    await store.close()
  })

  it('keeps the wrapping key inside: it cannot be read', async () => {
    const store = await openStore()
    await store.open('pq')
    const pkcs11 = createRequire(import.meta.url)('pkcs11js') as { PKCS11: new () => Pkcs11 }
    const direct = new pkcs11.PKCS11()
    direct.load(library)
    const [slot] = direct.C_GetSlotList(true)
    const session = direct.C_OpenSession(slot!, 6)
    direct.C_FindObjectsInit(session, [{ type: 0, value: 4 }])
    const [handle] = direct.C_FindObjects(session, 1)
    direct.C_FindObjectsFinal(session)
    expect(handle).not.to.equal(undefined)
    expect(() => direct.C_GetAttributeValue(session, handle!, [{ type: 0x11 }])).to.throw('CKR_ATTRIBUTE_SENSITIVE')
    await store.close()
  })

  it('finds the token again after it has been away, and says when it is gone', async () => {
    const binding = await loadPkcs11()
    const store = await Pkcs11KeyStore.open({ ...token, folder }, binding)
    const signer = await store.open('classical')
    // The library is shut down under our hands, as another module of the process might do.
    binding.C_Finalize()
    expect(signer.publicKey.verify(MESSAGE, await signer.sign(MESSAGE))).to.equal(true)
    expect(await store.health()).to.deep.include({ ok: true, reconnects: 1 })
    // The token is pulled out.
    const tokens = join(folder, 'tokens')
    await rename(tokens, `${tokens}.away`)
    await mkdir(tokens)
    binding.C_Finalize()
    expect((await store.health()).ok).to.equal(false)
    expect(await codeOf(signer.sign(MESSAGE))).to.be.oneOf(['pqc.hsm.gone', 'pqc.hsm.token'])
    // And put in again.
    await rm(tokens, { recursive: true })
    await rename(`${tokens}.away`, tokens)
    binding.C_Finalize()
    expect(signer.publicKey.verify(MESSAGE, await signer.sign(MESSAGE))).to.equal(true)
    expect((await store.health()).ok).to.equal(true)
    await store.close()
    expect(await codeOf(store.open('pq'))).to.equal('pqc.hsm.closed')
  })

  it('says clearly what is wrong with library, token and PIN', async () => {
    const refuse = async (changed: Partial<TokenOptions>): Promise<unknown> =>
      Pkcs11KeyStore.open({ ...token, folder, ...changed }).catch((error: unknown) => error)
    expect(await refuse({ library: '/nowhere.so' }))
      .to.be.instanceOf(UsageError)
      .with.property('code', 'pqc.hsm.library')
    expect(await refuse({ token: 'other' }))
      .to.be.instanceOf(UsageError)
      .with.property('code', 'pqc.hsm.token')
    expect(await refuse({ pin: '9999' }))
      .to.be.instanceOf(AuthError)
      .with.property('code', 'pqc.hsm.pin')
    expect(await loadPkcs11(() => Promise.reject(new TypeError('no such module'))).catch((error: unknown) => error))
      .to.be.instanceOf(UsageError)
      .with.property('code', 'pqc.hsm.missing')
  })

  it('comes back from a backup on another token with 2 of 3 shares', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    try {
      const [first, second] = [join(other, 'first'), join(other, 'second')]
      const firstToken = await makeToken(library, first, 'first')
      const store = await Pkcs11KeyStore.open({ ...firstToken, folder: first })
      const shares = escrowWrappingKey(store, 2, 3).map(formatShare)
      const key = SigningKey.generate('ML-DSA-65')
      await store.import('pq', key)
      await store.close()
      // The token is lost; what is left is the folder and what the custodians keep.
      await mkdir(second)
      await cp(join(first, 'pq.wrapped'), join(second, 'pq.wrapped'))
      const secondToken = await makeToken(library, second, 'second')
      const restored = await Pkcs11KeyStore.open({ ...secondToken, folder: second })
      // Whoever starts the station too early finds out, and makes no wrapping key that the restoration would meet.
      expect(await codeOf(restored.open('pq'))).to.equal('pqc.hsm.kek')
      expect(() => restoreWrappingKey(restored, [parseShare(shares[2]!)]))
        .to.throw(UsageError)
        .with.property('code', 'pqc.escrow.few')
      restoreWrappingKey(restored, [parseShare(shares[2]!), parseShare(shares[0]!)])
      const signer = await restored.open('pq')
      expect(toHex(signer.publicKey.fingerprint)).to.equal(toHex(key.publicKey.fingerprint))
      expect(key.publicKey.verify(MESSAGE, await signer.sign(MESSAGE))).to.equal(true)
      expect(() => restoreWrappingKey(restored, shares.map(parseShare)))
        .to.throw(UsageError)
        .with.property('code', 'pqc.hsm.exists')
      await restored.close()
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })

  it('opens what either of two wrapping keys has wrapped, as two first starts at once make them, and wraps with neither', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    const twice = await makeToken(library, other, 'twice')
    const store = await Pkcs11KeyStore.open({ ...twice, folder: other })
    try {
      const id = Buffer.alloc(16, 1)
      const made = await store.import('first', SigningKey.generate('ML-DSA-44'))
      const second = await Pkcs11KeyStore.open({ ...twice, folder: other, wrappingKey: 'other' })
      second.installWrappingKey(new Uint8Array(32).fill(2), id)
      const late = await second.import('second', SigningKey.generate('ML-DSA-44'))
      const binding = (await loadPkcs11()) as Pkcs11 & Relabelling
      binding.load(library)
      const slot = binding.C_GetSlotList(true).find((one) => binding.C_GetTokenInfo(one).label.trim() === 'twice')!
      const session = binding.C_OpenSession(slot, 6)
      binding.C_FindObjectsInit(session, [{ type: CKA.ID, value: id }])
      const [handle] = binding.C_FindObjects(session, 1)
      binding.C_FindObjectsFinal(session)
      binding.C_SetAttributeValue(session, handle!, [{ type: CKA.LABEL, value: WRAPPING_KEY }])
      binding.C_CloseSession(session)
      await second.close()
      const again = await Pkcs11KeyStore.open({ ...twice, folder: other })
      for (const [name, { publicKey }] of [
        ['first', made],
        ['second', late],
      ] as const) {
        expect((await again.open(name)).publicKey.equals(publicKey), name).to.equal(true)
      }
      expect(await codeOf(again.import('third', SigningKey.generate('ML-DSA-44')))).to.equal('pqc.hsm.ambiguous')
      await again.close()
    } finally {
      await store.close()
      await rm(other, { recursive: true, force: true })
      process.env['SOFTHSM2_CONF'] = join(folder, 'softhsm2.conf')
    }
  })

  it('does not wrap with a key that could leave the token', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gridseal-hsm-'))
    try {
      const loose = await makeToken(library, other, 'loose')
      const binding = await loadPkcs11()
      const store = await Pkcs11KeyStore.open({ ...loose, folder: other }, binding)
      const slot = binding.C_GetSlotList(true).find((one) => binding.C_GetTokenInfo(one).label.trim() === 'loose')!
      const session = binding.C_OpenSession(slot, 6)
      binding.C_GenerateKey(session, { mechanism: CKM.AES_KEY_GEN }, [
        { type: CKA.TOKEN, value: true },
        { type: CKA.LABEL, value: WRAPPING_KEY },
        { type: CKA.ID, value: Buffer.alloc(16, 1) },
        { type: CKA.EXTRACTABLE, value: true },
        { type: CKA.ENCRYPT, value: true },
        { type: CKA.VALUE_LEN, value: 32 },
      ])
      expect(await codeOf(store.import('pq', SigningKey.generate('ML-DSA-44')))).to.equal('pqc.hsm.kek')
      expect(await codeOf(store.open('pq'))).to.equal('pqc.key-store.unknown')
      await store.close()
    } finally {
      await rm(other, { recursive: true, force: true })
      process.env['SOFTHSM2_CONF'] = join(folder, 'softhsm2.conf')
    }
  })
})
