import { UsageError } from '@gridseal/wire'

export type Handle = Buffer

export interface Attribute {
  readonly type: number
  readonly value?: number | boolean | string | Buffer
}

export interface Mechanism {
  readonly mechanism: number
  readonly parameter?: GcmParameters
}

export interface GcmParameters {
  readonly type: number
  readonly iv: Buffer
  readonly aad: Buffer
  readonly ivBits: number
  readonly tagBits: number
}

/** What we use of `pkcs11js`: the functions of PKCS#11 under their own names. */
export interface Pkcs11 {
  load(path: string): void
  C_Initialize(options: { flags: number }): void
  C_Finalize(): void
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { label: string; manufacturerID: string; model: string }
  C_GetMechanismList(slot: Handle): number[]
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, userType: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: Attribute[]): void
  C_FindObjects(session: Handle, max: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[]
  C_CreateObject(session: Handle, template: Attribute[]): Handle
  C_DestroyObject(session: Handle, object: Handle): void
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: Attribute[]): Handle
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: Attribute[],
    privateTemplate: Attribute[],
  ): { publicKey: Handle; privateKey: Handle }
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Encrypt(session: Handle, data: Buffer, out: Buffer): Buffer
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Decrypt(session: Handle, data: Buffer, out: Buffer): Buffer
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Sign(session: Handle, data: Buffer, out: Buffer): Buffer
  /** PKCS#11 3.2; not in `pkcs11js`, which knows 2.40. */
  C_DecapsulateKey?(
    session: Handle,
    mechanism: Mechanism,
    privateKey: Handle,
    template: Attribute[],
    ciphertext: Buffer,
  ): Handle
  C_GenerateRandom(session: Handle, out: Buffer): Buffer
}

interface Pkcs11Package {
  readonly PKCS11: new () => Pkcs11
}

/** CK_PARAMS_AES_GCM of the binding: the structure of PKCS#11 2.40 with its length of the nonce in bits. */
export const GCM_PARAMETERS = 7

/** The optional package `pkcs11js`. Throws `UsageError` `pqc.hsm.missing`. */
export async function loadPkcs11(load: () => Promise<unknown> = () => import('pkcs11js')): Promise<Pkcs11> {
  try {
    const module = (await load()) as Pkcs11Package & { default?: Pkcs11Package }
    return new (module.PKCS11 ?? module.default!.PKCS11)()
  } catch (error) {
    const message = 'tokens need the optional native package pkcs11js: npm install pkcs11js@2'
    throw new UsageError('pqc.hsm.missing', message, {}, error)
  }
}
