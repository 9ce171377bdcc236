import { median, quantile } from '../../../test/support/bench.ts'

/** CPU time of this process, user and system, in seconds. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Operations per CPU-second: the median of `runs` windows after one to warm up. A slow operation runs once a window. */
export function perCpuSecond(work: () => unknown, runs = 3, windowSeconds = 0.04): number {
  const rates: number[] = []
  // Reading the clock costs more than many an operation: it is read once a batch.
  let batch = 1
  for (let i = 0; i <= runs; i++) {
    const start = cpuSeconds()
    let count = 0
    let spent = 0
    do {
      for (let k = 0; k < batch; k++) work()
      count += batch
      spent = cpuSeconds() - start
      if (spent < windowSeconds / 20) batch *= 2
    } while (spent < windowSeconds)
    if (i > 0 || spent > 0.15) rates.push(count / spent)
    // One window says enough about an operation that fills it.
    if (spent > 0.15) break
  }
  return median(rates)
}

/**
 * What `ours` costs more than `theirs`, in percent: the two take turns operation by operation, so that whatever else
 * the machine does meets both. Compared is the 10th percentile: the undisturbed run, of ML-DSA the one without rejection.
 */
export function overheadPercent(theirs: () => unknown, ours: () => unknown, rounds: number): number {
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i < rounds; i++) {
    // Who begins changes, too.
    for (const which of i % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const work = which === 0 ? theirs : ours
      const start = process.hrtime.bigint()
      work()
      times[which].push(Number(process.hrtime.bigint() - start))
    }
  }
  const warm = Math.floor(rounds / 10)
  return 100 * (quantile(times[1].slice(warm), 0.1) / quantile(times[0].slice(warm), 0.1) - 1)
}
