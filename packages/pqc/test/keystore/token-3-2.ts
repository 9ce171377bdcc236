import { expect } from 'chai'
import { DecapsulationKey, Policy, SigningKey, setPolicy } from '@gridseal/pqc'
import type { MlDsaAlgorithm, MlKemAlgorithm } from '@gridseal/pqc'
import type { Attribute, Handle, Mechanism } from '#src/keystore/pkcs11-binding.ts'
import { CKA, CKM, CKO, ML_DSA_SETS, ML_KEM_SETS } from '#src/keystore/pkcs11-numbers.ts'

interface Stored {
  readonly attributes: ReadonlyMap<number, unknown>
  readonly key: SigningKey | DecapsulationKey | Uint8Array
}

/**
 * A token of PKCS#11 3.2 with ML-DSA and ML-KEM inside, as far as the store asks it: Debian has none yet, and no binding
 * has its functions. It keeps objects by their attributes and does with them what it is told to.
 */
export class Token32 {
  readonly objects = new Map<number, Stored>()
  #found: Handle[] = []
  #last = 10
  #signing: SigningKey | undefined
  #wrapped: Buffer = Buffer.alloc(0)

  /** How often somebody logged in, and what the token says to it: 0 is CKR_OK. */
  logins = 0
  loginResult = 0
  /** What the token says to whoever wants to sign: 0 is CKR_OK. */
  signResult = 0
  /** What it says to whoever encrypts, and the very bytes that it was given. */
  encryptResult = 0
  readonly encrypted: Buffer[] = []
  readonly decrypted: Buffer[] = []
  readonly sessions = new Set<number>()
  onOpen: () => void = () => undefined

  load(): void {}
  C_Initialize(): void {}
  C_Finalize(): void {
    this.sessions.clear()
  }
  C_CloseSession(session: Handle): void {
    this.sessions.delete(session.readUInt32LE())
  }
  C_Login(): void {
    this.logins++
    needOk(this.loginResult)
  }
  C_FindObjectsFinal(): void {}
  C_GetSlotList(): Handle[] {
    return [handle(1)]
  }
  C_GetTokenInfo(): { label: string; manufacturerID: string; model: string } {
    return { label: 'token 3.2   ', manufacturerID: '', model: '' }
  }
  C_GetMechanismList(): number[] {
    return [CKM.ML_DSA, CKM.ML_DSA_KEY_PAIR_GEN, CKM.ML_KEM, CKM.ML_KEM_KEY_PAIR_GEN]
  }
  C_OpenSession(): Handle {
    this.onOpen()
    this.sessions.add(++this.#last)
    return handle(this.#last)
  }
  C_GenerateRandom(_session: Handle, out: Buffer): Buffer {
    return out
  }
  C_FindObjectsInit(_session: Handle, template: Attribute[]): void {
    this.#found = [...this.objects]
      .filter(([, { attributes }]) => template.every(({ type, value }) => isEqual(attributes.get(type), value)))
      .map(([id]) => handle(id))
  }
  C_FindObjects(_session: Handle, max: number): Handle[] {
    return this.#found.splice(0, max)
  }
  C_GenerateKey(_session: Handle, _mechanism: Mechanism, template: Attribute[]): Handle {
    return this.#add(template, new Uint8Array(32))
  }
  C_EncryptInit(): void {}
  C_Encrypt(_session: Handle, data: Buffer, out: Buffer): Buffer {
    this.encrypted.push(data)
    needOk(this.encryptResult)
    this.#wrapped = Buffer.from(data)
    return out.subarray(0, data.length + 16)
  }
  C_DecryptInit(): void {}
  C_Decrypt(): Buffer {
    const secret = Buffer.from(this.#wrapped)
    this.decrypted.push(secret)
    return secret
  }
  C_GenerateKeyPair(_session: Handle, mechanism: Mechanism, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    const set = publicTemplate.find(({ type }) => type === CKA.PARAMETER_SET)!.value as number
    const isKem = mechanism.mechanism === CKM.ML_KEM_KEY_PAIR_GEN
    if (!isKem) expect(mechanism.mechanism).to.equal(CKM.ML_DSA_KEY_PAIR_GEN)
    expect(privateTemplate).to.deep.include({ type: CKA.EXTRACTABLE, value: false })
    const key = unasked(() =>
      isKem
        ? DecapsulationKey.generate(named<MlKemAlgorithm>(ML_KEM_SETS, set))
        : SigningKey.generate(named<MlDsaAlgorithm>(ML_DSA_SETS, set)),
    )
    const withSet = { type: CKA.PARAMETER_SET, value: set }
    return {
      publicKey: this.#add([...publicTemplate, withSet], key),
      privateKey: this.#add([...privateTemplate, withSet], key),
    }
  }
  C_GetAttributeValue(_session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[] {
    const { attributes, key } = this.objects.get(object.readUInt32LE())!
    return template.map(({ type }) => {
      if (type === CKA.VALUE) {
        if (key instanceof Uint8Array) return { type, value: Buffer.from(key) }
        expect(attributes.get(CKA.CLASS)).to.equal(CKO.PUBLIC_KEY)
        return { type, value: Buffer.from(key instanceof SigningKey ? key.publicKey.raw : key.publicKey) }
      }
      const value = attributes.get(type)
      if (value instanceof Buffer) return { type, value }
      if (typeof value === 'boolean') return { type, value: Buffer.of(value ? 1 : 0) }
      return { type, value: typeof value === 'number' ? ulong(value) : Buffer.from(String(value)) }
    })
  }
  C_SignInit(_session: Handle, mechanism: Mechanism, key: Handle): void {
    needOk(this.signResult)
    expect(mechanism.mechanism).to.equal(CKM.ML_DSA)
    this.#signing = this.objects.get(key.readUInt32LE())!.key as SigningKey
  }
  C_Sign(_session: Handle, data: Buffer): Buffer {
    return Buffer.from(this.#signing!.signSync(data))
  }
  C_DecapsulateKey(
    _session: Handle,
    mechanism: Mechanism,
    privateKey: Handle,
    template: Attribute[],
    ciphertext: Buffer,
  ): Handle {
    expect(mechanism.mechanism).to.equal(CKM.ML_KEM)
    const { attributes, key } = this.objects.get(privateKey.readUInt32LE())!
    expect([attributes.get(CKA.CLASS), attributes.get(CKA.DECAPSULATE)]).to.deep.equal([CKO.PRIVATE_KEY, true])
    return this.#add(template, (key as DecapsulationKey).decapsulate(ciphertext))
  }
  C_DestroyObject(_session: Handle, object: Handle): void {
    this.objects.delete(object.readUInt32LE())
  }

  #add(template: Attribute[], key: Stored['key']): Handle {
    const id = ++this.#last
    this.objects.set(id, { attributes: new Map(template.map(({ type, value }) => [type, value])), key })
    return handle(id)
  }
}

function named<T extends string>(sets: Readonly<Record<T, number>>, set: number): T {
  return (Object.keys(sets) as T[]).find((name) => sets[name] === set)!
}

function handle(id: number): Handle {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(id)
  return bytes
}

function ulong(value: number): Buffer {
  return handle(value)
}

function isEqual(a: unknown, b: unknown): boolean {
  return a instanceof Buffer && b instanceof Buffer ? a.equals(b) : a === b
}

/** A token knows nothing of our policy. */
function unasked<T>(make: () => T): T {
  const before = setPolicy(new Policy())
  try {
    return make()
  } finally {
    setPolicy(before)
  }
}

function needOk(code: number): void {
  if (code !== 0) throw Object.assign(new TypeError('CKR'), { code })
}
