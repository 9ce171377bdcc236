import { UsageError } from '@gridseal/wire'

const DURATION: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** Milliseconds of `500ms`, `20s`, `5m`, `2h`, `1d`. Throws `UsageError` `config.duration`. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  const unit = DURATION[match?.[2] ?? '']
  if (match === null || unit === undefined) {
    throw new UsageError('config.duration', `"${text}" is no duration: write 500ms, 20s, 5m, 2h or 1d`)
  }
  return Number(match[1]) * unit
}

/** Bytes of `4096`, `64KiB`, `16MiB`, `1GiB`. Throws `UsageError` `config.size`. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(text.trim())
  const unit = SIZE[match?.[2] ?? '']
  if (match === null || unit === undefined) {
    throw new UsageError('config.size', `"${text}" is no size: write 4096, 64KiB, 16MiB or 1GiB`)
  }
  return Math.floor(Number(match[1]) * unit)
}
