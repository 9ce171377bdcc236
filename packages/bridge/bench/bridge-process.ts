// One bridge as a process of its own: prints its addresses once, then answers each line on standard input with its
// statistics.
import { createInterface } from 'node:readline'
import { createBridge, loadConfig } from '@gridseal/bridge'

const { config } = await loadConfig(process.argv[2] ?? '')
const bridge = await createBridge(config, ({ level, code, message }) => {
  if (level === 'warn' || level === 'error') process.stderr.write(`${code}: ${message}\n`)
})
await bridge.start()
const tell = (): void => {
  const { user, system } = process.cpuUsage()
  process.stdout.write(`${JSON.stringify({ ...bridge.stats, cpuMicroseconds: user + system })}\n`)
}
tell()
createInterface({ input: process.stdin })
  .on('line', tell)
  .on('close', () => process.exit(0))
