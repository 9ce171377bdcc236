import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Bridge, Report } from '@gridseal/bridge'
import { createBridge, loadConfig } from '@gridseal/bridge'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'
import { readConversations } from '../inspect/conversations.ts'
import { EXIT, bytesText, complain, countText, millisecondsText, print, toJson } from '../output.ts'
import type { Conversation } from '../replay/conversation.ts'
import { ReplayLinks } from '../replay/links.ts'
import { writePair } from '../replay/pair.ts'
import type { Speed } from '../replay/replayer.ts'
import { Replayer } from '../replay/replayer.ts'

export interface ReplayOptions {
  readonly speed: Speed
  readonly algorithm: SignatureAlgorithm
  /** Where the journals of both bridges are kept; default: nowhere. */
  readonly journal?: string
  readonly json: boolean
}

/** What a replay found, with the names that `--json` prints. */
export interface ReplayReport {
  readonly frames: number
  readonly bytes: number
  readonly batches: number
  readonly signatures: number
  readonly delivered: number
  readonly mismatched: number
  readonly lost: number
  readonly framesPerSecond: number
  readonly addedLatencyMs: { readonly p50: number | null; readonly p99: number | null }
  readonly algorithm: SignatureAlgorithm
  readonly conversations: number
  /** Bytes of the captured streams: those of frames and those that belong to none. */
  readonly sentBytes: number
  readonly noiseBytes: number
  /** Bytes of the streams that the captures do not hold. */
  readonly missingBytes: number
}

const SITE = 'replay'
const AT_ONCE = 8

/** Plays captures through a field and a head-end bridge over loopback and compares every byte that comes out. */
export async function replay(files: readonly string[], options: ReplayOptions): Promise<number> {
  const conversations: Conversation[] = []
  let missing = 0
  for (const file of files) {
    const read = await readConversations(file)
    conversations.push(...read.conversations)
    missing += read.missing
  }
  if (conversations.length === 0) {
    throw new UsageError('replay.empty', `no conversation of a known protocol in ${files.join(', ')}`)
  }
  const directory = await mkdtemp(join(tmpdir(), 'gridseal-replay-'))
  // Private keys lie there: they go with us, however we go.
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  const stop = (signal: NodeJS.Signals): never => process.exit(128 + constants.signals[signal])
  process.once('exit', remove).once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const report = { ...(await replayIn(directory, conversations, options)), missingBytes: missing }
    if (options.json) print(toJson(report))
    else showReport(report)
    // A replay in which no frame was found has shown nothing.
    return report.frames > 0 && report.mismatched === 0 && report.lost === 0 ? EXIT.ok : EXIT.failed
  } finally {
    process.off('exit', remove).off('SIGINT', stop).off('SIGTERM', stop)
    remove()
  }
}

async function replayIn(
  directory: string,
  conversations: readonly Conversation[],
  options: ReplayOptions,
): Promise<Omit<ReplayReport, 'missingBytes'>> {
  const links = await ReplayLinks.open(conversations)
  const files = await writePair({
    directory,
    site: SITE,
    algorithm: options.algorithm,
    links: links.configs,
    journals: options.journal ?? join(directory, 'journal'),
    sync: options.journal !== undefined,
  })
  const bridges: Bridge[] = []
  try {
    const headEnd = await started(files.headEndConfig, bridges)
    const field = await started(await files.writeFieldConfig(headEnd.stats.listening['channel'] ?? ''), bridges)
    links.locate(SITE, headEnd.stats.listening, field.stats.listening)
    await channelUp(headEnd, field)
    const replayer = new Replayer(options.speed)
    const begun = performance.now()
    await playAll(replayer, links, conversations)
    const seconds = (performance.now() - begun) / 1000
    const batches = [headEnd, field].reduce((sum, bridge) => sum + (bridge.stats.sites[0]?.outgoing.batches ?? 0), 0)
    const { frames, bytes, delivered, mismatched, lost, sent, noise } = replayer.counts
    return {
      frames,
      bytes,
      batches,
      signatures: batches,
      delivered,
      mismatched,
      lost,
      framesPerSecond: Math.round(frames / seconds),
      addedLatencyMs: { p50: quantile(replayer.latencies, 0.5), p99: quantile(replayer.latencies, 0.99) },
      algorithm: options.algorithm,
      conversations: conversations.length,
      sentBytes: sent,
      noiseBytes: noise,
    }
  } finally {
    for (const bridge of bridges.reverse()) await bridge.stop()
    await links.close()
  }
}

async function started(file: string, bridges: Bridge[]): Promise<Bridge> {
  const report: Report = ({ level, code, message }) => {
    if (level === 'warn' || level === 'error') complain(`${level} ${code}: ${message}`)
  }
  const bridge = await createBridge((await loadConfig(file)).config, report)
  bridges.push(bridge)
  await bridge.start()
  return bridge
}

async function channelUp(...bridges: readonly Bridge[]): Promise<void> {
  const deadline = performance.now() + 10_000
  while (bridges.some((bridge) => bridge.stats.sites.some((site) => site.channel === 'down'))) {
    if (performance.now() > deadline)
      throw new InternalError('replay.channel', 'the bridges found no way to each other')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Several conversations side by side, as in the field. */
export async function playAll(
  replayer: Replayer,
  links: ReplayLinks,
  conversations: readonly Conversation[],
): Promise<void> {
  // UDP exchanges share one pair of sockets and cannot be told apart: one after the other.
  const streams = conversations.filter((conversation) => conversation.medium === 'stream')
  const datagrams = conversations.filter((conversation) => conversation.medium === 'datagram')
  let next = 0
  const worker = async (): Promise<void> => {
    for (let c = streams[next++]; c !== undefined; c = streams[next++]) await replayer.play(c, links.for(c))
  }
  const workers = Array.from({ length: Math.min(AT_ONCE, streams.length) }, worker)
  const inTurn = async (): Promise<void> => {
    for (const conversation of datagrams) await replayer.play(conversation, links.for(conversation))
  }
  await Promise.all([...workers, inTurn()])
}

/** The value below which a share `q` of the samples lies, or null without samples. */
export function quantile(samples: readonly number[], q: number): number | null {
  if (samples.length === 0) return null
  const sorted = Float64Array.from(samples).sort()
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
  return value === undefined ? null : Math.round(value * 1000) / 1000
}

function showReport(report: ReplayReport): void {
  const { addedLatencyMs: latency } = report
  const perSignature = report.signatures === 0 ? 0 : report.frames / report.signatures
  print(
    `frames        ${countText(report.frames)} in ${report.conversations} conversations, ${bytesText(report.bytes)}`,
  )
  print(`delivered     ${countText(report.delivered)}, mismatched ${report.mismatched}, lost ${report.lost}`)
  print(
    `batches       ${countText(report.batches)}, each one ${report.algorithm} signature (${perSignature.toFixed(1)} frames)`,
  )
  print(`speed         ${countText(report.framesPerSecond)} frames/s`)
  print(`added latency p50 ${millisecondsText(latency.p50)}, p99 ${millisecondsText(latency.p99)}`)
  if (report.noiseBytes > 0) print(`noise         ${bytesText(report.noiseBytes)} belong to no frame and were left out`)
  if (report.missingBytes > 0) print(`missing       ${bytesText(report.missingBytes)} of the streams were not captured`)
}
