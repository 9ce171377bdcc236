import type { Bridge, BridgeEvent, BridgeStats, Level, Report } from '@gridseal/bridge'
import { createBridge, loadConfig, located, parseDuration } from '@gridseal/bridge'
import { describeError } from '@gridseal/wire'
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

/** Runs a bridge until SIGINT or SIGTERM; what is under way is delivered before it ends. SIGHUP reads the configuration again. */
export async function run(options: RunOptions): Promise<number> {
  const interval = parseDuration(options.interval)
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const loaded = await loadConfig(options.config)
  const { config, file } = loaded
  const least = LEVELS.indexOf(options.level)
  const report: Report = (event) => {
    if (LEVELS.indexOf(event.level) >= least) show(event, options.json)
  }
  const bridge = await createBridge(config, report).catch((error: unknown) => {
    throw located(error, loaded)
  })
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
  const reload = (): void => void takeConfig(bridge, options.config, report)
  process.on('SIGHUP', reload)
  const tell = (): void => print(toJson(statsRecord(bridge.stats)))
  if (options.json) tell()
  const timer = options.json ? setInterval(tell, interval) : undefined
  const broken = new AbortController()
  void bridge.failed.then(() => broken.abort())
  await untilStopped(limit, broken.signal)
  clearInterval(timer)
  process.off('SIGHUP', reload)
  await bridge.stop()
  if (options.json) tell()
  return broken.signal.aborted ? EXIT.failed : EXIT.ok
}

/** SIGHUP: what of the configuration can change while it runs is taken; a mistake in it changes nothing. */
async function takeConfig(bridge: Bridge, file: string, report: Report): Promise<void> {
  try {
    const loaded = await loadConfig(file)
    await bridge.reload(loaded.config).catch((error: unknown) => {
      throw located(error, loaded)
    })
    report({ level: 'info', code: 'config.reloaded', message: `${file} is in force`, details: { file } })
  } catch (error) {
    const message = `${file} is not taken: ${describeError(error)}`
    report({ level: 'error', code: 'config.refused', message, details: { file } })
  }
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
