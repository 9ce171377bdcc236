import { BER, BerReader, BerWriter, ProtocolError, UsageError } from '@gridseal/wire'
import type { MlDsaAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { algorithmInfo, signatureInfo } from '../algorithms/lookup.ts'
import { needBytes } from '../check.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { checkSignOptions } from '../keys/sign-options.ts'
import { VerifyingKey } from '../keys/verifying-key.ts'
import { admit } from '../policy/module-state.ts'
import { sha256 } from '../symmetric/hash.ts'
import type { Attribute, Handle } from './pkcs11-binding.ts'
import { CKA, CKK, CKM, CKO, ML_DSA_SETS } from './pkcs11-numbers.ts'
import type { Token } from './token.ts'

/** Algorithms whose private keys a token can hold. ML-DSA from PKCS#11 3.2 on, where the token says so. */
export type TokenAlgorithm = 'ECDSA-P256' | MlDsaAlgorithm

/** Whether a token can make and use keys of an algorithm inside. */
export function tokenSupports(
  mechanisms: ReadonlySet<number>,
  algorithm: SignatureAlgorithm,
): algorithm is TokenAlgorithm {
  if (algorithm === 'ECDSA-P256') return mechanisms.has(CKM.EC_KEY_PAIR_GEN) && mechanisms.has(CKM.ECDSA)
  return Object.hasOwn(ML_DSA_SETS, algorithm) && mechanisms.has(CKM.ML_DSA_KEY_PAIR_GEN) && mechanisms.has(CKM.ML_DSA)
}

/** A new key pair in the token; the private key cannot leave it. Throws `UsageError` `pqc.policy.refused`. */
export function generateInToken(token: Token, name: string, algorithm: TokenAlgorithm): MessageSigner {
  admit(algorithm, 'generate')
  const isEc = algorithm === 'ECDSA-P256'
  const parameters: Attribute = isEc
    ? { type: CKA.EC_PARAMS, value: Buffer.from(new BerWriter().oid(algorithmInfo('ECDSA-P256').oid!).finish()) }
    : { type: CKA.PARAMETER_SET, value: ML_DSA_SETS[algorithm] }
  const common: Attribute[] = [
    { type: CKA.TOKEN, value: true },
    { type: CKA.LABEL, value: name },
    { type: CKA.KEY_TYPE, value: isEc ? CKK.EC : CKK.ML_DSA },
  ]
  token.run((pkcs11, session) =>
    pkcs11.C_GenerateKeyPair(
      session,
      { mechanism: isEc ? CKM.EC_KEY_PAIR_GEN : CKM.ML_DSA_KEY_PAIR_GEN },
      [...common, { type: CKA.CLASS, value: CKO.PUBLIC_KEY }, { type: CKA.VERIFY, value: true }, parameters],
      [
        ...common,
        { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
        { type: CKA.PRIVATE, value: true },
        { type: CKA.SENSITIVE, value: true },
        { type: CKA.EXTRACTABLE, value: false },
        { type: CKA.SIGN, value: true },
      ],
    ),
  )
  return openInToken(token, name, algorithm)
}

/**
 * The signer of a key pair of this name in the token. Throws `ProtocolError` `pqc.hsm.key` if its public half is missing,
 * `UsageError` `pqc.hsm.ambiguous` if there are several.
 */
export function openInToken(token: Token, name: string, algorithm: TokenAlgorithm): MessageSigner {
  const publicHandle = token.findOne(template(name, algorithm, CKO.PUBLIC_KEY), name)
  if (publicHandle === undefined) throw missing(`the public half of "${name}"`)
  const publicKey = readPublicKey(token, publicHandle, algorithm)
  const info = signatureInfo(algorithm)
  return {
    publicKey,
    sign: async (message, options) => {
      needBytes(message, 'message')
      checkSignOptions(options, info)
      admit(algorithm, 'sign')
      if (options?.prehash !== undefined) {
        throw new UsageError('pqc.prehash.unsupported', 'the binding cannot have the token hash messages first')
      }
      if (algorithm !== 'ECDSA-P256' && (options?.context?.length ?? 0) > 0) {
        throw new ProtocolError('pqc.hsm.context', 'the binding cannot hand a context to the token')
      }
      const data = Buffer.from(algorithm === 'ECDSA-P256' ? sha256(message) : message)
      return token.run((pkcs11, session) => {
        const handle = token.findOne(template(name, algorithm, CKO.PRIVATE_KEY), name)
        if (handle === undefined) throw missing(`the key "${name}"`)
        pkcs11.C_SignInit(session, { mechanism: algorithm === 'ECDSA-P256' ? CKM.ECDSA : CKM.ML_DSA }, handle)
        return new Uint8Array(pkcs11.C_Sign(session, data, Buffer.alloc(info.signatureLength)))
      })
    },
  }
}

/** Algorithm and name of every private key. */
export function listInToken(token: Token): { readonly name: string; readonly algorithm: TokenAlgorithm }[] {
  return [CKK.EC, CKK.ML_DSA].flatMap((type) => {
    const found = token.find([
      { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
      { type: CKA.KEY_TYPE, value: type },
    ])
    return found.flatMap((handle) => {
      const wanted = type === CKK.EC ? CKA.EC_PARAMS : CKA.PARAMETER_SET
      const [label, parameters] = token.run((pkcs11, session) =>
        pkcs11.C_GetAttributeValue(session, handle, [{ type: CKA.LABEL }, { type: wanted }]),
      )
      const algorithm = algorithmOf(type, parameters!.value)
      return algorithm === undefined ? [] : [{ name: label!.value.toString(), algorithm }]
    })
  })
}

export function removeFromToken(token: Token, name: string, algorithm: TokenAlgorithm): void {
  for (const kind of [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY] as const) {
    const handles = token.find(template(name, algorithm, kind))
    token.run((pkcs11, session) => {
      for (const handle of handles) pkcs11.C_DestroyObject(session, handle)
    })
  }
}

function template(name: string, algorithm: TokenAlgorithm, kind: number): Attribute[] {
  return [
    { type: CKA.CLASS, value: kind },
    { type: CKA.KEY_TYPE, value: algorithm === 'ECDSA-P256' ? CKK.EC : CKK.ML_DSA },
    { type: CKA.LABEL, value: name },
  ]
}

function algorithmOf(type: number, parameters: Buffer): TokenAlgorithm | undefined {
  if (type === CKK.EC) {
    const p256 = new BerWriter().oid(algorithmInfo('ECDSA-P256').oid!).finish()
    return Buffer.compare(parameters, p256) === 0 ? 'ECDSA-P256' : undefined
  }
  const set = parameters[0]
  return (Object.keys(ML_DSA_SETS) as MlDsaAlgorithm[]).find((name) => ML_DSA_SETS[name] === set)
}

function readPublicKey(token: Token, handle: Handle, algorithm: TokenAlgorithm): VerifyingKey {
  const wanted = algorithm === 'ECDSA-P256' ? CKA.EC_POINT : CKA.VALUE
  const [attribute] = token.run((pkcs11, session) => pkcs11.C_GetAttributeValue(session, handle, [{ type: wanted }]))
  const value = new Uint8Array(attribute!.value)
  // CKA_EC_POINT is an OCTET STRING in DER (PKCS#11 2.3.3).
  const raw = algorithm === 'ECDSA-P256' ? BerReader.of(value).contents(BER.OCTET_STRING, 'CKA_EC_POINT') : value
  return VerifyingKey.fromRaw(algorithm, raw)
}

function missing(what: string): ProtocolError {
  return new ProtocolError('pqc.hsm.key', `${what} is not in the token`)
}
