import type { Medium } from '@gridseal/transport'
import { parseEndpoint } from '@gridseal/transport'
import type { Framing } from '../codec/adu.ts'
import { silenceBetweenFrames } from '../session/line-timing.ts'

/** What a line asks of the station on it. */
export interface LineTiming {
  /** Milliseconds without a byte after which an unfinished frame is given up. */
  readonly silence: number
  /** Milliseconds between the end of what was received and what is sent. */
  readonly turnaround: number
}

/** Timers of an event loop are late by milliseconds: silence is only believed when it is long. */
const SHORTEST_SILENCE = 20
/** Over TCP the pieces of a frame may be far apart. */
const STREAM_SILENCE = 200

/** ASCII: between two characters of a line (Serial Line 2.5.2.1). */
const ASCII_SILENCE = 1000
const USUAL_BAUD = 19_200

/** Timing of a line, from its framing, its medium and, on a serial line, its speed and `gap` (milliseconds). */
export function timingOf(line: { readonly medium: Medium; readonly local: string }, framing: Framing): LineTiming {
  if (framing === 'ascii') return { silence: ASCII_SILENCE, turnaround: 0 }
  if (line.medium !== 'serial') return { silence: STREAM_SILENCE, turnaround: 0 }
  const endpoint = parseEndpoint(line.local)
  const { baud, gap = 0 } = endpoint.kind === 'serial' ? endpoint : { baud: USUAL_BAUD }
  const t35 = silenceBetweenFrames(baud)
  return { silence: Math.max(SHORTEST_SILENCE, 3 * t35, gap), turnaround: Math.ceil(t35) }
}

/** The framing that goes without saying: RTU on serial lines, MBAP elsewhere. */
export function usualFraming(url: string): Framing {
  return parseEndpoint(url).kind === 'serial' ? 'rtu' : 'tcp'
}
