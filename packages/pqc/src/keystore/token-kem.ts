import { ProtocolError, UsageError } from '@gridseal/wire'
import type { KemAlgorithm, MlKemAlgorithm } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { needReceived } from '../check.ts'
import { admit } from '../policy/module-state.ts'
import type { Attribute, Pkcs11 } from './pkcs11-binding.ts'
import { CKA, CKK, CKM, CKO, ML_KEM_SETS } from './pkcs11-numbers.ts'
import type { Token } from './token.ts'

const SECRET_LENGTH = 32

/** A private KEM key behind a token. */
export interface TokenKemKey {
  readonly algorithm: KemAlgorithm
  readonly publicKey: Uint8Array
  /** The shared secret, as of any KEM: a wrong ciphertext gives another one. Throws `DecodeError` `pqc.ciphertext.length`. */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** Whether the token reports ML-KEM (PKCS#11 3.2) and the binding has the function for it, which pkcs11js has not. */
export function tokenHasKem(token: Token): boolean {
  const mechanisms = token.mechanisms()
  const callable = token.run((pkcs11) => pkcs11.C_DecapsulateKey !== undefined)
  return callable && mechanisms.has(CKM.ML_KEM) && mechanisms.has(CKM.ML_KEM_KEY_PAIR_GEN)
}

/** A new key pair in the token; the private key cannot leave it. Throws `UsageError` `pqc.policy.refused`. */
export function generateKemInToken(token: Token, name: string, algorithm: MlKemAlgorithm): TokenKemKey {
  admit(algorithm, 'generate')
  const common: Attribute[] = [
    { type: CKA.TOKEN, value: true },
    { type: CKA.LABEL, value: name },
    { type: CKA.KEY_TYPE, value: CKK.ML_KEM },
  ]
  token.run((pkcs11, session) =>
    pkcs11.C_GenerateKeyPair(
      session,
      { mechanism: CKM.ML_KEM_KEY_PAIR_GEN },
      [
        ...common,
        { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
        { type: CKA.ENCAPSULATE, value: true },
        { type: CKA.PARAMETER_SET, value: ML_KEM_SETS[algorithm] },
      ],
      [
        ...common,
        { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
        { type: CKA.PRIVATE, value: true },
        { type: CKA.SENSITIVE, value: true },
        { type: CKA.EXTRACTABLE, value: false },
        { type: CKA.DECAPSULATE, value: true },
      ],
    ),
  )
  return openKemInToken(token, name)!
}

/** The KEM key pair of this name in the token, if it is there. Throws `UsageError` `pqc.hsm.ambiguous` for several. */
export function openKemInToken(token: Token, name: string): TokenKemKey | undefined {
  const handle = token.findOne(template(name, CKO.PUBLIC_KEY), name)
  if (handle === undefined) return undefined
  const [set, value] = token.run((pkcs11, session) =>
    pkcs11.C_GetAttributeValue(session, handle, [{ type: CKA.PARAMETER_SET }, { type: CKA.VALUE }]),
  )
  const number = set!.value[0]
  const algorithm = (Object.keys(ML_KEM_SETS) as MlKemAlgorithm[]).find((key) => ML_KEM_SETS[key] === number)
  if (algorithm === undefined) throw new UsageError('pqc.hsm.key', `"${name}" has the unknown ML-KEM set ${number}`)
  return {
    algorithm,
    publicKey: new Uint8Array(value!.value),
    decapsulate: (ciphertext) => {
      needReceived(ciphertext, kemInfo(algorithm).ciphertextLength, 'pqc.ciphertext.length', 'ciphertext')
      admit(algorithm, 'decapsulate')
      return token.run((pkcs11, session) => {
        const privateKey = token.findOne(template(name, CKO.PRIVATE_KEY), name)
        if (privateKey === undefined) throw new ProtocolError('pqc.hsm.key', `the key "${name}" is not in the token`)
        return secretOf(pkcs11, session, privateKey, ciphertext)
      })
    },
  }
}

/** Whether the token has anything of a KEM key of this name. */
export function kemIsInToken(token: Token, name: string): boolean {
  return token.find(named(name)).length > 0
}

export function removeKemFromToken(token: Token, name: string): void {
  for (const kind of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY] as const) {
    const handles = token.find(template(name, kind))
    token.run((pkcs11, session) => {
      for (const handle of handles) pkcs11.C_DestroyObject(session, handle)
    })
  }
}

/** The secret becomes an object of the session, is read, and is gone. */
function secretOf(pkcs11: Pkcs11, session: Buffer, privateKey: Buffer, ciphertext: Uint8Array): Uint8Array {
  const secret: Attribute[] = [
    { type: CKA.CLASS, value: CKO.SECRET_KEY },
    { type: CKA.KEY_TYPE, value: CKK.GENERIC_SECRET },
    { type: CKA.TOKEN, value: false },
    { type: CKA.SENSITIVE, value: false },
    { type: CKA.EXTRACTABLE, value: true },
    { type: CKA.VALUE_LEN, value: SECRET_LENGTH },
  ]
  const bytes = Buffer.from(ciphertext)
  const handle = pkcs11.C_DecapsulateKey!(session, { mechanism: CKM.ML_KEM }, privateKey, secret, bytes)
  try {
    return new Uint8Array(pkcs11.C_GetAttributeValue(session, handle, [{ type: CKA.VALUE }])[0]!.value)
  } finally {
    pkcs11.C_DestroyObject(session, handle)
  }
}

function template(name: string, kind: number): Attribute[] {
  return [{ type: CKA.CLASS, value: kind }, ...named(name)]
}

function named(name: string): Attribute[] {
  return [
    { type: CKA.KEY_TYPE, value: CKK.ML_KEM },
    { type: CKA.LABEL, value: name },
  ]
}
