import { admit, needOperational, policyEpoch } from '../policy/module-state.ts'
import type { BuildingBlock } from '../policy/policy.ts'
import { needSymmetric } from '../selftest/symmetric-tests.ts'

/**
 * What stands before every use of a hash or MAC of the native provider: the error state, the self-tests at the first
 * use, and policy. Its answer is kept until another policy is in force, since `derive` does not depend on the time.
 */
export class Gate {
  readonly #name: BuildingBlock
  #admitted = -1

  constructor(name: BuildingBlock) {
    this.#name = name
  }

  /** Throws `InternalError` `pqc.self-test.failed`, `UsageError` `pqc.policy.refused`. */
  pass(): void {
    needOperational()
    if (this.#admitted === policyEpoch()) return
    needSymmetric()
    admit(this.#name, 'derive', 'native')
    this.#admitted = policyEpoch()
  }
}
