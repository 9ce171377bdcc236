import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Pkcs11KeyStore, SigningKey } from '@gridseal/pqc'
import type { MlDsaAlgorithm } from '@gridseal/pqc'
import type { Attribute, Handle, Mechanism, Pkcs11 } from '#src/keystore/pkcs11-binding.ts'
import { CKA, CKM, CKO, ML_DSA_SETS } from '#src/keystore/pkcs11-numbers.ts'

const MESSAGE = new TextEncoder().encode('tap position 7')

interface Stored {
  readonly attributes: ReadonlyMap<number, unknown>
  readonly key: SigningKey
}

/**
 * A token of PKCS#11 3.2 with ML-DSA inside, as far as the store asks it: Debian has none yet. It keeps objects by
 * their attributes and signs what it is told to.
 */
class Token32 {
  readonly objects = new Map<number, Stored>()
  #found: Handle[] = []
  #signing: SigningKey | undefined

  load(): void {}
  C_Initialize(): void {}
  C_Finalize(): void {}
  C_CloseSession(): void {}
  C_Login(): void {}
  C_FindObjectsFinal(): void {}
  C_GetSlotList(): Handle[] {
    return [handle(1)]
  }
  C_GetTokenInfo(): { label: string; manufacturerID: string; model: string } {
    return { label: 'token 3.2   ', manufacturerID: '', model: '' }
  }
  C_GetMechanismList(): number[] {
    return [CKM.ML_DSA, CKM.ML_DSA_KEY_PAIR_GEN, CKM.ML_KEM]
  }
  C_OpenSession(): Handle {
    return handle(2)
  }
  C_GenerateRandom(_session: Handle, out: Buffer): Buffer {
    return out
  }
  C_FindObjectsInit(_session: Handle, template: Attribute[]): void {
    this.#found = [...this.objects]
      .filter(([, { attributes }]) => template.every(({ type, value }) => attributes.get(type) === value))
      .map(([id]) => handle(id))
  }
  C_FindObjects(_session: Handle, max: number): Handle[] {
    return this.#found.splice(0, max)
  }
  C_GenerateKeyPair(_session: Handle, mechanism: Mechanism, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    expect(mechanism.mechanism).to.equal(CKM.ML_DSA_KEY_PAIR_GEN)
    const set = publicTemplate.find(({ type }) => type === CKA.PARAMETER_SET)!.value as number
    const algorithm = (Object.keys(ML_DSA_SETS) as MlDsaAlgorithm[]).find((name) => ML_DSA_SETS[name] === set)!
    expect(privateTemplate).to.deep.include({ type: CKA.EXTRACTABLE, value: false })
    const key = SigningKey.generate(algorithm)
    const add = (template: Attribute[]): Handle => {
      const id = this.objects.size + 10
      const attributes = new Map<number, unknown>([
        ...template.map(({ type, value }) => [type, value] as const),
        [CKA.PARAMETER_SET, set],
      ])
      this.objects.set(id, { attributes, key })
      return handle(id)
    }
    return { publicKey: add(publicTemplate), privateKey: add(privateTemplate) }
  }
  C_GetAttributeValue(_session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[] {
    const { attributes, key } = this.objects.get(object.readUInt32LE())!
    return template.map(({ type }) => {
      if (type === CKA.VALUE) {
        expect(attributes.get(CKA.CLASS)).to.equal(CKO.PUBLIC_KEY)
        return { type, value: Buffer.from(key.publicKey.raw) }
      }
      const value = attributes.get(type)
      return { type, value: typeof value === 'number' ? ulong(value) : Buffer.from(String(value)) }
    })
  }
  C_SignInit(_session: Handle, mechanism: Mechanism, key: Handle): void {
    expect(mechanism.mechanism).to.equal(CKM.ML_DSA)
    this.#signing = this.objects.get(key.readUInt32LE())!.key
  }
  C_Sign(_session: Handle, data: Buffer): Buffer {
    return Buffer.from(this.#signing!.signSync(data))
  }
  C_DestroyObject(_session: Handle, object: Handle): void {
    this.objects.delete(object.readUInt32LE())
  }
}

describe('a token with ML-DSA inside (PKCS#11 3.2)', () => {
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
})

function handle(id: number): Handle {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(id)
  return bytes
}

function ulong(value: number): Buffer {
  return handle(value)
}
