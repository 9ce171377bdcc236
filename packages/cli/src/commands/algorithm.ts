import { findAlgorithm, isSignatureAlgorithm } from '@gridseal/pqc'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { UsageError } from '@gridseal/wire'
import { complain } from '../output.ts'

/** The algorithm of a name in any spelling. Names of round 3 are taken for their standards, and that is said. */
export function signatureAlgorithm(text: string): SignatureAlgorithm {
  const { name, note } = findAlgorithm(text)
  if (note !== undefined) complain(`gridseal: ${note}`)
  if (isSignatureAlgorithm(name)) return name
  throw new UsageError('cli.algorithm', `${text} is not a signature algorithm`)
}
