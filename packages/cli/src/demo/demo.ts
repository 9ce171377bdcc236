import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseDuration } from '@gridseal/bridge'
import { readJournalKeys, verifyJournal } from '@gridseal/envelope'
import { UsageError } from '@gridseal/wire'
import type { StatsRecord } from '../commands/run.ts'
import { playAll } from '../commands/replay.ts'
import { readConversations } from '../inspect/conversations.ts'
import { EXIT, complain, untilStopped } from '../output.ts'
import type { Conversation } from '../replay/conversation.ts'
import { ReplayLinks } from '../replay/links.ts'
import { writePair } from '../replay/pair.ts'
import { Replayer } from '../replay/replayer.ts'
import { MeterPoller } from './poller.ts'
import { GridsealProcess } from './process.ts'
import type { DemoState } from './view.ts'
import { LiveView, PlainView, summaryLines } from './view.ts'

export interface DemoOptions {
  /** End after this duration; default: at Ctrl-C. */
  readonly for?: string
  /** Lines instead of a view that redraws itself. */
  readonly plain: boolean
}

const SITE = 'demo'
const METER = 'meter'
const REFRESH_MS = 500
/** The captures are played at this multiple of their own pace. */
const PACE = 20

/**
 * The whole journey on one machine: a simulated Modbus meter, a field bridge and a head-end bridge, each a process of
 * its own, with throw-away keys; a master polls the meter and the repository's captures are replayed through both
 * bridges again and again. Ends with a check of every byte and of both journals.
 */
export async function demo(options: DemoOptions): Promise<number> {
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const directory = await mkdtemp(join(tmpdir(), 'gridseal-demo-'))
  const processes: GridsealProcess[] = []
  try {
    return await runDemo(directory, processes, options.plain, limit)
  } finally {
    await Promise.all(processes.map((process) => process.stop()))
    await rm(directory, { recursive: true, force: true })
  }
}

async function runDemo(
  directory: string,
  processes: GridsealProcess[],
  plain: boolean,
  limit: number | undefined,
): Promise<number> {
  const conversations = await demoConversations()
  const links = await ReplayLinks.open(conversations)
  const meter = await startMeter(processes)
  const files = await writePair({
    directory,
    site: SITE,
    algorithm: 'ML-DSA-65',
    links: [{ id: METER, protocol: 'modbus', device: meter, master: 'tcp://127.0.0.1:0' }, ...links.configs],
    journals: join(directory, 'journal'),
    sync: true,
  })
  const headEnd = new BridgeProcess('head-end', files.headEndConfig, processes)
  const { listening } = await headEnd.ready()
  const field = new BridgeProcess('field', await files.writeFieldConfig(listening['channel'] ?? ''), processes)
  links.locate(SITE, listening, (await field.ready()).listening)
  await headEnd.channelUp()

  const poller = new MeterPoller(listening[`${SITE}/${METER}`] ?? '')
  const replayer = new Replayer(PACE)
  const begun = performance.now()
  const state = (): DemoState => ({
    seconds: (performance.now() - begun) / 1000,
    field: field.stats,
    headEnd: headEnd.stats,
    replay: replayer.counts,
    latencies: replayer.latencies,
    readings: poller.readings,
    polls: poller.polls,
  })
  const view = plain || !process.stdout.isTTY ? new PlainView() : new LiveView()
  const timer = setInterval(() => view.show(state()), REFRESH_MS)
  poller.start()
  const playing = playOver(replayer, links, conversations)
  await untilStopped(limit)
  clearInterval(timer)
  await poller.stop()
  replayer.stop()
  await playing
  // The field bridge first, then the head-end, then the meter: each while its far side is still there.
  for (const process of processes.splice(0).reverse()) await process.stop()
  await links.close()
  view.end()
  const proofs = await Promise.all(['field', 'head-end'].map((name) => proofOf(join(directory, 'journal', name), name)))
  for (const line of summaryLines(state(), proofs)) process.stdout.write(`${line}\n`)
  const { mismatched, lost } = replayer.counts
  const proven = proofs.every(({ failed, verified }) => failed === 0 && verified > 0)
  return mismatched === 0 && lost === 0 && poller.polls.failed === 0 && proven ? EXIT.ok : EXIT.failed
}

async function proofOf(
  directory: string,
  name: string,
): Promise<{ name: string; verified: number; frames: number; failed: number }> {
  const { verified, frames, failed } = await verifyJournal(directory, { keys: await readJournalKeys(directory) })
  return { name, verified, frames, failed }
}

async function demoConversations(): Promise<Conversation[]> {
  const folder = join(import.meta.dirname, '../../../../pcaps')
  const names = await readdir(folder).catch(() => {
    throw new UsageError('demo.checkout', `${folder} is not there: the demonstration runs from a checkout`)
  })
  const conversations: Conversation[] = []
  for (const name of names.filter((file) => /\.pcap(ng)?$/.test(file)).sort()) {
    conversations.push(...(await readConversations(join(folder, name))).conversations)
  }
  // Lines have no master that could be played by a socket; `gridseal inspect` shows their captures.
  return conversations.filter(({ framing }) => framing === undefined)
}

async function playOver(replayer: Replayer, links: ReplayLinks, conversations: readonly Conversation[]): Promise<void> {
  while (!replayer.stopped) await playAll(replayer, links, conversations)
}

async function startMeter(processes: GridsealProcess[]): Promise<string> {
  let found: ((url: string) => void) | undefined
  const meter = new GridsealProcess('meter', ['simulate', 'modbus', '--listen', 'tcp://127.0.0.1:0'], (line) => {
    const url = /^ready (\S+)$/.exec(line)?.[1]
    if (url !== undefined) found?.(url)
  })
  processes.push(meter)
  return meter.first<string>((resolve) => {
    found = resolve
  })
}

/** A bridge as a process, and what it last said of itself. */
class BridgeProcess {
  stats: StatsRecord | undefined
  readonly #process: GridsealProcess
  #waiting: ((stats: StatsRecord) => void)[] = []

  constructor(role: string, config: string, processes: GridsealProcess[]) {
    const args = ['run', '-c', config, '--json', '--interval', `${REFRESH_MS}ms`]
    this.#process = new GridsealProcess(`${role} bridge`, args, (line) => this.#line(line))
    processes.push(this.#process)
  }

  ready(): Promise<StatsRecord> {
    return this.#process.first((resolve) => this.#waiting.push(resolve))
  }

  async channelUp(): Promise<void> {
    for (let stats = this.stats; stats?.sites[0]?.channel !== 'up';) stats = await this.ready()
  }

  #line(line: string): void {
    const record = JSON.parse(line) as { kind: string; level?: string; code?: string; message?: string }
    if (record.kind === 'stats') {
      this.stats = record as unknown as StatsRecord
      for (const resolve of this.#waiting.splice(0)) resolve(this.stats)
    } else if (record.level === 'warn' || record.level === 'error') complain(`${record.code}: ${record.message}`)
  }
}
