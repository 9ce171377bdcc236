import { GridsealError, UsageError, describeError } from '@gridseal/wire'

/** Exit codes of the command: all well, a check failed, wrongly called, nobody reads the output any more (128 + SIGPIPE). */
export const EXIT: Readonly<Record<'ok' | 'failed' | 'usage' | 'brokenPipe', number>> = {
  ok: 0,
  failed: 1,
  usage: 2,
  brokenPipe: 141,
}

/** One NDJSON record. Bigints become numbers where that is exact, else strings; bytes become hex. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, name, item: unknown) {
    if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString()
    // A Buffer has become an object by its own toJSON before it comes here.
    const raw = this[name]
    return raw instanceof Uint8Array ? Buffer.from(raw).toString('hex') : item
  })
}

/** A line on standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A line on standard error. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Says what went wrong in clear lines and returns the exit code for it. */
export function reportError(error: unknown): number {
  if (error instanceof UsageError) {
    for (const line of error.message.split('\n')) complain(`gridseal: ${line}`)
    return EXIT.usage
  }
  if (error instanceof GridsealError) complain(`gridseal: ${describeError(error)}`)
  else complain(`gridseal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  return EXIT.failed
}

/** `12.3 MB`-like, for people. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `1 234 567`, for people. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** Milliseconds to three digits, or a dash. */
export function millisecondsText(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

/** Resolves at the first SIGINT or SIGTERM, after `milliseconds` if given, or when `signal` is aborted. */
export function untilStopped(milliseconds?: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(() => done(), milliseconds)
    const done = (): void => {
      clearTimeout(timer)
      process.off('SIGINT', done)
      process.off('SIGTERM', done)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    process.on('SIGINT', done)
    process.on('SIGTERM', done)
    signal?.addEventListener('abort', done)
  })
}
