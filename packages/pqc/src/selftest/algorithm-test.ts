/** One known-answer test. */
export interface AlgorithmTest {
  /** What it compares, e.g. `public key of the zero seed`. */
  readonly name: string
  /** Where the answer is from. */
  readonly source: string
  /** Whether the answer was right. May throw. */
  readonly run: () => boolean
}

export type TestOutcome = 'passed' | 'failed' | 'missing'

/** The result of one test, for `gridseal selftest`. */
export interface TestResult {
  readonly test: string
  readonly source: string
  readonly outcome: TestOutcome
  /** How long it took, in ms. */
  readonly milliseconds: number
}
