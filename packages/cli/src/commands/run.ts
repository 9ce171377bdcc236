import type { BridgeEvent, BridgeStats, Level, Report } from '@gridseal/bridge'
import { createBridge, loadConfig, parseDuration } from '@gridseal/bridge'
import { EXIT, complain, print, toJson, untilStopped } from '../output.ts'

export interface RunOptions {
  readonly config: string
  /** NDJSON on standard output: events, and the statistics every `interval`. */
  readonly json: boolean
  readonly interval: string
  readonly level: Level
  /** End after this duration. */
  readonly for?: string
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Runs a bridge until SIGINT or SIGTERM; what is under way is delivered before it ends. */
export async function run(options: RunOptions): Promise<number> {
  const interval = parseDuration(options.interval)
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const { config, file } = await loadConfig(options.config)
  const least = LEVELS.indexOf(options.level)
  const report: Report = (event) => {
    if (LEVELS.indexOf(event.level) >= least) show(event, options.json)
  }
  const bridge = await createBridge(config, report)
  await bridge.start()
  const ready = (): string =>
    Object.entries(bridge.stats.listening)
      .map(([name, url]) => `${name} ${url}`)
      .join(', ')
  report({
    level: 'info',
    code: 'bridge.ready',
    message: `${bridge.role} bridge ready (${file}) ${ready()}`,
    details: {},
  })
  const tell = (): void => print(toJson(statsRecord(bridge.stats)))
  if (options.json) tell()
  const timer = options.json ? setInterval(tell, interval) : undefined
  const broken = new AbortController()
  void bridge.failed.then(() => broken.abort())
  await untilStopped(limit, broken.signal)
  clearInterval(timer)
  await bridge.stop()
  if (options.json) tell()
  return broken.signal.aborted ? EXIT.failed : EXIT.ok
}

/** The statistics as `gridseal run --json` prints them. */
export type StatsRecord = { readonly kind: 'stats' } & BridgeStats

function statsRecord(stats: BridgeStats): StatsRecord {
  return { kind: 'stats', ...stats }
}

function show(event: BridgeEvent, json: boolean): void {
  const time = new Date().toISOString()
  if (json) print(toJson({ kind: 'event', time, ...event }))
  else complain(`${time} ${event.level.padEnd(5)} ${event.code}  ${event.message}`)
}
