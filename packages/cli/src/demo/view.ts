import type { SiteStats } from '@gridseal/bridge'
import type { StatsRecord } from '../commands/run.ts'
import { quantile } from '../commands/replay.ts'
import { bytesText, countText, millisecondsText } from '../output.ts'
import type { ReplayCounts } from '../replay/replayer.ts'
import type { MeterReading } from './poller.ts'

/** What the demonstration shows. */
export interface DemoState {
  readonly seconds: number
  readonly field: StatsRecord | undefined
  readonly headEnd: StatsRecord | undefined
  readonly replay: ReplayCounts
  readonly latencies: readonly number[]
  readonly readings: readonly MeterReading[]
  readonly polls: { readonly done: number; readonly failed: number }
}

export interface JournalProof {
  readonly name: string
  readonly verified: number
  readonly frames: number
  readonly failed: number
}

/** Recent latencies that the view summarises. */
const RECENT = 2000

function lines(state: DemoState): string[] {
  const field = state.field?.sites[0]
  const headEnd = state.headEnd?.sites[0]
  const sealed = (site: SiteStats | undefined): string => {
    const { batches = 0, entries = 0 } = site?.outgoing ?? {}
    const ratio = batches === 0 ? '–' : (entries / batches).toFixed(1)
    return `${countText(entries).padStart(9)} frames  ${countText(batches).padStart(7)} batches  ${ratio.padStart(6)} frames/signature`
  }
  const journal = (record: StatsRecord | undefined): string => bytesText(record?.journal?.bytes ?? 0).padStart(9)
  const recent = state.latencies.slice(-RECENT)
  const { replay, polls } = state
  const out = [
    `Gridseal  ${state.seconds.toFixed(0)} s   device ⇄ field bridge ═══ ${state.headEnd?.algorithm ?? ''}, CH-KEM ═══ head-end bridge ⇄ master`,
    `channel   ${headEnd?.channel ?? 'down'}`,
    `to master ${sealed(field)}   journal ${journal(state.field)}`,
    `to device ${sealed(headEnd)}   journal ${journal(state.headEnd)}`,
    `latency   p50 ${millisecondsText(quantile(recent, 0.5))}, p99 ${millisecondsText(quantile(recent, 0.99))} (bridge to bridge, one way)`,
    `replay    ${countText(replay.frames)} frames in, ${countText(replay.delivered)} out, ${replay.mismatched} mismatched, ${replay.lost} lost`,
    `meter     ${countText(polls.done)} polls, ${polls.failed} failed`,
    '',
  ]
  for (const { name, value, unit } of state.readings.slice(0, 8)) {
    out.push(`  ${name.padEnd(22)} ${value.toFixed(1).padStart(10)} ${unit}`)
  }
  out.push('')
  for (const [id, link] of Object.entries(headEnd?.links ?? {})) {
    out.push(
      `  link ${id.padEnd(16)} ${String(link.connections).padStart(3)} open  ${countText(link.framesIn).padStart(8)} in  ${countText(link.framesOut).padStart(8)} out  ${link.invalid} invalid`,
    )
  }
  return out
}

/** Redraws itself in a terminal. */
export class LiveView {
  #drawn = 0

  show(state: DemoState): void {
    const text = lines(state)
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`
    process.stdout.write(`${up}${text.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[J`)
    this.#drawn = text.length
  }

  end(): void {
    process.stdout.write('\n')
  }
}

/** One line every two seconds, where there is no terminal. */
export class PlainView {
  #next = 0

  show(state: DemoState): void {
    if (state.seconds < this.#next) return
    this.#next = state.seconds + 2
    const { replay, polls, headEnd, field } = state
    const batches = (headEnd?.sites[0]?.outgoing.batches ?? 0) + (field?.sites[0]?.outgoing.batches ?? 0)
    const latency = millisecondsText(quantile(state.latencies.slice(-RECENT), 0.5))
    process.stdout.write(
      `${state.seconds.toFixed(0).padStart(4)} s  channel ${headEnd?.sites[0]?.channel ?? 'down'}  ${replay.delivered} frames delivered  ${batches} batches  latency p50 ${latency}  ${polls.done} polls  journal ${bytesText(headEnd?.journal?.bytes ?? 0)}\n`,
    )
  }

  end(): void {}
}

/** The end of the demonstration. */
export function summaryLines(state: DemoState, proofs: readonly JournalProof[]): string[] {
  const { replay, latencies, polls } = state
  return [
    `replayed  ${countText(replay.frames)} captured frames: ${countText(replay.delivered)} delivered byte for byte, ${replay.mismatched} mismatched, ${replay.lost} lost`,
    `polled    the meter ${countText(polls.done)} times, ${polls.failed} failed`,
    `latency   p50 ${millisecondsText(quantile(latencies, 0.5))}, p99 ${millisecondsText(quantile(latencies, 0.99))} added one way`,
    ...proofs.map(
      ({ name, verified, frames, failed }) =>
        `journal   ${name}: ${countText(verified)} batches with ${countText(frames)} frames verified, ${failed} refused`,
    ),
  ]
}
