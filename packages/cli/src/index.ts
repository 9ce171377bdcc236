// The command line as a function, for tests and for other programs
export { main, program } from './main.ts'

// What `inspect` does with a capture
export { inspectFile } from './inspect/inspect-file.ts'
export type { InspectOptions, InspectSummary } from './inspect/inspect-file.ts'
