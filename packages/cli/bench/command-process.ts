import { main } from '@gridseal/cli'

// The command, and what it took of the machine when it is done: CPU time in microseconds, largest resident set in KiB.
process.exitCode = await main(process.argv.slice(2))
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
process.stderr.write(`\n${JSON.stringify({ cpu: userCPUTime + systemCPUTime, memory: maxRSS })}`)
