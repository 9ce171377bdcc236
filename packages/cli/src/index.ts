// The command line as a function, for tests and for other programs
export { main, program } from './main.ts'

// What `inspect` does with a capture
export { walkCapture } from './inspect/walk.ts'
export type { WalkOptions, WalkSummary, WalkVisitor } from './inspect/walk.ts'
export { Inspection, jsonLine, textLine } from './commands/inspect.ts'
