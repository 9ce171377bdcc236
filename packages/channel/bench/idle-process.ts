/* Prints how many bytes so many idle channels keep, in a process of its own: `… idle-process.ts 10000`. */
import { idleMemory } from './idle.ts'

process.stdout.write(`${await idleMemory(Number(process.argv[2]))}\n`)
process.exit(0)
