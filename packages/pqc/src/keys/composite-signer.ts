import { UsageError } from '@gridseal/wire'
import type { CompositeAlgorithm } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needBytes } from '../check.ts'
import { admit } from '../policy/module-state.ts'
import { CompositeForm, CompositeSigner } from '../providers/composite.ts'
import type { Signer } from '../providers/provider.ts'
import { checkSignOptions } from './sign-options.ts'
import type { MessageSigner } from './message-signer.ts'
import { VerifyingKey } from './verifying-key.ts'

/**
 * A dual signature whose legs live in different places: the classical one in a token, the ML-DSA one in this process.
 * Throws `UsageError` `pqc.composite.legs` if the keys are not those of the algorithm; policy is asked at each signature.
 */
export function compositeMessageSigner(
  algorithm: CompositeAlgorithm,
  pq: MessageSigner,
  classical: MessageSigner,
): MessageSigner {
  const info = signatureInfo(algorithm)
  const [first, second] = info.legs ?? []
  if (pq.publicKey.algorithm !== first || classical.publicKey.algorithm !== second) {
    const message = `${algorithm} is made of ${first} and ${second}`
    throw new UsageError('pqc.composite.legs', message, { algorithm })
  }
  const signer = new CompositeSigner(new CompositeForm(info), legOf(pq), legOf(classical))
  return {
    publicKey: VerifyingKey.fromRaw(algorithm, signer.publicKey),
    sign: async (message, options) => {
      needBytes(message, 'message')
      checkSignOptions(options, info)
      admit(algorithm, 'sign')
      return signer.sign(message, options)
    },
  }
}

function legOf(signer: MessageSigner): Signer {
  return {
    publicKey: signer.publicKey.raw,
    sign: (message, options) => signer.sign(message, options),
    signSync: () => {
      throw new UsageError('pqc.composite.sync', 'a composite of two places signs asynchronously')
    },
  }
}
