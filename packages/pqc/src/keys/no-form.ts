import { UsageError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'

/** A key of this algorithm, or this key, cannot be written in a form. */
export function noForm(algorithm: AlgorithmName, form: string): UsageError {
  return new UsageError('pqc.key.form', `${algorithm} has no form as ${form}`, { algorithm, form })
}
