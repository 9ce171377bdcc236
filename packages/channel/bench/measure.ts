import { median } from '../../../test/support/bench.ts'

export const RUNS = 5
/** Steps are many and short. */
const STEP_WINDOW_MS = 150

export interface Rates {
  /** Per second of wall time. */
  readonly rate: number
  /** Per second of CPU time. */
  readonly perCpuSecond: number
}

/** The median of {@link RUNS} runs after one that warms up. */
export async function measure(once: () => Promise<Rates>): Promise<Rates> {
  return (await sideBySide([once]))[0]!
}

/** {@link measure} of several, a run of each in turn, so that all meet the same disturbances. */
export async function sideBySide(all: readonly (() => Promise<Rates>)[]): Promise<Rates[]> {
  const runs: Rates[][] = all.map(() => [])
  for (let i = 0; i <= RUNS; i++) {
    for (const [index, once] of all.entries()) {
      const rates = await once()
      if (i > 0) runs[index]!.push(rates)
    }
  }
  return runs.map((rates) => ({
    rate: Math.round(median(rates.map(({ rate }) => rate))),
    perCpuSecond: Math.round(median(rates.map(({ perCpuSecond }) => perCpuSecond))),
  }))
}

/** Runs `work`, which returns how many it did, against both clocks. */
export async function timed(work: () => Promise<number>): Promise<Rates> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  const count = await work()
  const { user, system } = process.cpuUsage(cpu)
  return { rate: (count * 1000) / (performance.now() - wall), perCpuSecond: (count * 1e6) / (user + system) }
}

/** One operation, again and again. */
export async function repeated(once: () => unknown): Promise<Rates> {
  return timed(async () => {
    const end = performance.now() + STEP_WINDOW_MS
    let count = 0
    for (; performance.now() < end; count++) {
      const pending = once()
      if (pending instanceof Promise) await pending
    }
    return count
  })
}
