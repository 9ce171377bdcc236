import { readFileSync } from 'node:fs'
import { main } from '@gridseal/cli'

// The command, and what it took of the machine when it is done: CPU time in microseconds, largest resident set in KiB.
process.exitCode = await main(process.argv.slice(2))
const { userCPUTime, systemCPUTime } = process.resourceUsage()
process.stderr.write(`\n${JSON.stringify({ cpu: userCPUTime + systemCPUTime, memory: largestResidentSet() })}`)

/** Not `maxRSS`, which on Linux begins with what the parent had when it made this process. */
function largestResidentSet(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kibibytes)
}
