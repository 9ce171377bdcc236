import type { AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { reportFailure } from '../policy/module-state.ts'
import type { Provider } from '../providers/provider.ts'
import type { AlgorithmTest, TestOutcome, TestResult } from './algorithm-test.ts'
import { kemTests } from './kem-tests.ts'
import { signatureTests } from './signature-tests.ts'
import { needSymmetric } from './symmetric-tests.ts'

/*
 * Conditional algorithm self-tests: before an algorithm is used for the first time, its known-answer tests run, once per
 * process and provider. An implementation that is not there is passed over; one that answers wrongly is a failure of
 * the whole core, unless policy lets it go on without that implementation.
 */

const outcomes = new WeakMap<Provider, Map<AlgorithmName, TestOutcome>>()

/** Whether a provider passes the tests of an algorithm; they run at the first question. */
export function passes(provider: Provider, algorithm: AlgorithmName): boolean {
  needSymmetric()
  const known = outcomesOf(provider)
  const outcome = known.get(algorithm) ?? worst(runTests(provider, algorithm))
  known.set(algorithm, outcome)
  return outcome === 'passed'
}

/** What is known of an algorithm so far. */
export function outcomeOf(provider: Provider, algorithm: AlgorithmName): TestOutcome | 'not run' {
  return outcomesOf(provider).get(algorithm) ?? 'not run'
}

/** Runs the tests of an algorithm now, whatever was known, and keeps the outcome. */
export function runTests(provider: Provider, algorithm: AlgorithmName): TestResult[] {
  const results: TestResult[] = []
  for (const test of testsOf(provider, algorithm)) {
    const result = runTest(test, results.length === 0)
    results.push(result)
    if (result.outcome === 'failed') reportFailure({ test: `${algorithm}: ${test.name}`, provider: provider.name })
    if (result.outcome !== 'passed') break
  }
  outcomesOf(provider).set(algorithm, worst(results))
  return results
}

/** The first test begins with an import: a provider that cannot even do that does not have the algorithm. */
function runTest({ name, source, run }: AlgorithmTest, first: boolean): TestResult {
  const start = performance.now()
  let outcome: TestOutcome
  try {
    outcome = run() ? 'passed' : 'failed'
  } catch {
    outcome = first ? 'missing' : 'failed'
  }
  return { test: name, source, outcome, milliseconds: performance.now() - start }
}

function testsOf(provider: Provider, algorithm: AlgorithmName): readonly AlgorithmTest[] {
  const info = algorithmInfo(algorithm)
  if (info.kind === 'signature') {
    const implementation = provider.signature(info.name)
    return implementation === undefined ? [] : signatureTests(info, implementation, provider)
  }
  const implementation = provider.kem(info.name)
  return implementation === undefined ? [] : kemTests(info, implementation)
}

function worst(results: readonly TestResult[]): TestOutcome {
  if (results.length === 0) return 'missing'
  return results.find(({ outcome }) => outcome !== 'passed')?.outcome ?? 'passed'
}

function outcomesOf(provider: Provider): Map<AlgorithmName, TestOutcome> {
  let known = outcomes.get(provider)
  if (known === undefined) outcomes.set(provider, (known = new Map()))
  return known
}
