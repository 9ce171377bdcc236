import { InternalError, UsageError } from '@gridseal/wire'

/*
 * Health tests of a noise source (SP 800-90B 4.4): a TPM or a hardware generator that is configured as one. Not for the
 * system's generator, whose output is conditioned. A false alarm happens once in 2^20 samples.
 */

const ALPHA_EXPONENT = 20
/** SP 800-90B 4.4.2: 1024 samples for binary sources, 512 for others. */
const BINARY_WINDOW = 1024
const WINDOW = 512
/** SP 800-90B 4.3: samples that must pass before the first is used. */
const START_UP = 1024

export interface NoiseSourceOptions {
  /** Min-entropy of a sample in bits, as it was assessed: above 0, at most 8. */
  readonly entropyPerSample: number
  /** Whether samples are single bits (0 or 1) instead of octets. Default false. */
  readonly binary?: boolean
}

/** The cutoffs of both tests for an entropy per sample. */
export function healthCutoffs({ entropyPerSample: h, binary = false }: NoiseSourceOptions): {
  readonly repetition: number
  readonly proportion: number
  readonly window: number
} {
  if (!(h > 0) || h > (binary ? 1 : 8)) {
    throw new UsageError('pqc.noise.entropy', `${h} bits per sample is not possible`, { entropyPerSample: h })
  }
  const window = binary ? BINARY_WINDOW : WINDOW
  return {
    repetition: 1 + Math.ceil(ALPHA_EXPONENT / h),
    proportion: 1 + criticalBinomial(window, 2 ** -h, 2 ** -ALPHA_EXPONENT),
    window,
  }
}

/**
 * Repetition count and adaptive proportion test over samples in their order. After an alarm it takes nothing more:
 * the source must be replaced, not asked again.
 */
export class NoiseHealth {
  readonly #cutoffs: ReturnType<typeof healthCutoffs>
  #failed: string | undefined
  #last = -1
  #repeated = 0
  #first = -1
  #position = 0
  #matches = 0
  #samples = 0

  constructor(options: NoiseSourceOptions) {
    this.#cutoffs = healthCutoffs(options)
  }

  /** Whether the start-up samples have passed: what comes now may be used. */
  get started(): boolean {
    return this.#samples >= START_UP && this.#failed === undefined
  }

  /** Throws {@link InternalError} `pqc.noise.failed` at an alarm and at every call after it. */
  test(samples: Uint8Array): void {
    for (const sample of samples) {
      if (this.#failed !== undefined) throw alarm(this.#failed)
      this.#repetition(sample)
      this.#proportion(sample)
      this.#samples++
    }
    if (this.#failed !== undefined) throw alarm(this.#failed)
  }

  #repetition(sample: number): void {
    this.#repeated = sample === this.#last ? this.#repeated + 1 : 1
    this.#last = sample
    if (this.#repeated >= this.#cutoffs.repetition) this.#failed = 'repetition count'
  }

  #proportion(sample: number): void {
    if (this.#position === 0) {
      this.#first = sample
      this.#matches = 0
    }
    if (sample === this.#first && ++this.#matches >= this.#cutoffs.proportion) this.#failed = 'adaptive proportion'
    this.#position = (this.#position + 1) % this.#cutoffs.window
  }
}

/**
 * Bytes of a noise source behind its health tests: start-up samples are read, tested and thrown away first.
 * Throws {@link InternalError} `pqc.noise.failed`, `pqc.noise.short`.
 */
export class MonitoredNoise {
  readonly #read: (count: number) => Uint8Array
  readonly #health: NoiseHealth

  constructor(read: (count: number) => Uint8Array, options: Omit<NoiseSourceOptions, 'binary'>) {
    this.#read = read
    this.#health = new NoiseHealth(options)
  }

  bytes(count: number): Uint8Array {
    if (!this.#health.started) this.#take(START_UP)
    return this.#take(count)
  }

  #take(count: number): Uint8Array {
    const samples = this.#read(count)
    if (samples.length !== count) throw new InternalError('pqc.noise.short', `${samples.length} of ${count} samples`)
    this.#health.test(samples)
    return samples
  }
}

/** Least k for which at most k of n trials succeed with a probability of at least 1 - alpha. */
function criticalBinomial(n: number, p: number, alpha: number): number {
  // Summed from the far end, where the terms are small, so that nothing is lost to rounding.
  let tail = 0
  let logTerm = n * Math.log(p)
  for (let k = n; k > 0; k--) {
    tail += Math.exp(logTerm)
    if (tail > alpha) return k
    logTerm += Math.log(k) - Math.log(n - k + 1) + Math.log1p(-p) - Math.log(p)
  }
  return 0
}

function alarm(test: string): InternalError {
  return new InternalError('pqc.noise.failed', `the ${test} test of the noise source raised an alarm`, { test })
}
