#!/usr/bin/env node
// Plain syntax on purpose: an old Node.js must get as far as the message.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`gridseal: needs Node.js 24.15 or later; this is ${process.version}\n`)
  process.exit(2)
}
import('../dist/main.js')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code
  })
  .catch((error) => {
    process.stderr.write(`gridseal: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  })
