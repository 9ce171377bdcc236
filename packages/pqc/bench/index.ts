import type { Report } from '../../../test/support/bench.ts'
import { algorithms } from './algorithms.ts'
import { handshakes } from './exchange.ts'
import { overhead } from './overhead.ts'
import { timing } from './timing.ts'

/** What our API costs, what each algorithm costs with each provider, and whether time tells secrets. */
export async function run(report: Report): Promise<void> {
  overhead(report)
  await handshakes(report)
  algorithms(report)
  timing(report)
}
