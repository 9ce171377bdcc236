import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { BridgeStats } from '@gridseal/bridge'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { Child } from './child.ts'
import { benchGroup } from './group.ts'
import { FRAME_LENGTH, Sink, Source, modbusFrame } from './traffic.ts'
import type { Report } from '../../../test/support/bench.ts'
import { median, quantile } from '../../../test/support/bench.ts'

type Stats = BridgeStats & { readonly cpuMicroseconds: number }

const RUNS = 3
const FLOOD_MS = 4000
const LONE_FRAMES = 300
const LONE_PERIOD_MS = 10
const STALL_MS = 4000
const PAIR = 'two bridges, ML-DSA-65'
const RELAY = 'two plain TCP relays'
const DIRECT = 'no relay, one connection'

/** A chain of two processes between a source and a sink: the pair of bridges, or the relays. */
interface Chain {
  readonly name: string
  readonly sink: Sink
  readonly source: Source
  readonly children: readonly Pick<Child<unknown>, 'peakMemory' | 'stop'>[]
}

/**
 * Two processes, loopback, 256-byte frames: flood, lone frames, memory behind a stalled device; relays beside. Before that,
 * real-time frames under group keys.
 */
export async function run(report: Report): Promise<void> {
  await benchGroup(report)
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  const relay = await relayChain()
  const { chain: pair, headEnd, field } = await bridgeChain(folder)
  try {
    await flood(pair, relay, headEnd, field, report)
    await loneFrames(pair, relay, report)
    await stalledDevice(pair, report)
  } finally {
    for (const { source, sink, children } of [pair, relay]) {
      source.close()
      sink.close()
      for (const child of children) await child.stop()
    }
    await rm(folder, { recursive: true, force: true })
  }
}

async function flood(
  pair: Chain,
  relay: Chain,
  headEnd: Child<Stats>,
  field: Child<Stats>,
  report: Report,
): Promise<void> {
  const rates = new Map<Chain, number[]>([
    [pair, []],
    [relay, []],
  ])
  const before = await headEnd.ask()
  const fieldBefore = await field.ask()
  let framesThroughPair = 0
  for (let round = 0; round < RUNS; round++) {
    for (const chain of [pair, relay]) {
      const rate = await floodOnce(chain)
      rates.get(chain)?.push(rate.perSecond)
      if (chain === pair) framesThroughPair += rate.frames
    }
  }
  const after = await headEnd.ask()
  const fieldAfter = await field.ask()
  const figure = (name: string, metric: string, value: number, unit: string, versus?: string): void =>
    report({
      suite: 'bridge',
      case: name,
      metric,
      value,
      unit,
      runs: RUNS,
      ...(versus === undefined ? {} : { versus }),
    })
  figure(PAIR, 'flood, one way', median(rates.get(pair) ?? []), 'frames/s', RELAY)
  figure(RELAY, 'flood, one way', median(rates.get(relay) ?? []), 'frames/s')
  const batches = (after.sites[0]?.outgoing.batches ?? 0) - (before.sites[0]?.outgoing.batches ?? 0)
  figure(PAIR, 'frames per signature', framesThroughPair / batches, 'frames')
  const cpu = (a: Stats, b: Stats): number => (b.cpuMicroseconds - a.cpuMicroseconds) / framesThroughPair
  figure(PAIR, 'head-end CPU per frame', cpu(before, after), 'us')
  figure(PAIR, 'field CPU per frame', cpu(fieldBefore, fieldAfter), 'us')
}

async function floodOnce({ source, sink }: Chain): Promise<{ perSecond: number; frames: number }> {
  const start = performance.now()
  const first = sink.bytes
  const sent = await source.flood(() => performance.now() - start > FLOOD_MS)
  await sink.reached(first + sent)
  const frames = sent / FRAME_LENGTH
  return { perSecond: frames / ((performance.now() - start) / 1000), frames }
}

/** One frame at a time, through each chain in turn; what a chain adds is its median less that of a plain connection. */
async function loneFrames(pair: Chain, relay: Chain, report: Report): Promise<void> {
  const sink = new Sink()
  const port = await sink.listen()
  const direct: Chain = { name: DIRECT, sink, source: await Source.connect(port), children: [] }
  const samples = new Map<Chain, number[]>([direct, relay, pair].map((chain) => [chain, []]))
  for (let i = 0; i < LONE_FRAMES; i++) {
    for (const [chain, latencies] of samples) {
      const due = chain.sink.bytes + FRAME_LENGTH
      const sent = performance.now()
      chain.source.send(modbusFrame(i))
      await chain.sink.reached(due)
      latencies.push(performance.now() - sent)
      await new Promise((resolve) => setTimeout(resolve, LONE_PERIOD_MS))
    }
  }
  const base = median(samples.get(direct) ?? [])
  for (const [chain, latencies] of samples) {
    const figure = (metric: string, value: number): void =>
      report({ suite: 'bridge', case: chain.name, metric, value, unit: 'ms', runs: LONE_FRAMES, ...versusOf(chain) })
    figure('lone frame p50', median(latencies))
    figure('lone frame p99', quantile(latencies, 0.99))
    if (chain !== direct) figure('lone frame added p50', median(latencies) - base)
  }
  direct.source.close()
  sink.close()
}

function versusOf({ name }: Chain): { versus?: string } {
  return name === PAIR ? { versus: RELAY } : name === RELAY ? { versus: DIRECT } : {}
}

/** The device stops reading for seconds while the master keeps sending: memory must not follow. */
async function stalledDevice(pair: Chain, report: Report): Promise<void> {
  const before = pair.children.map((child) => child.peakMemory())
  const first = pair.sink.bytes
  pair.sink.setPaused(true)
  const start = performance.now()
  const sent = await pair.source.flood(() => performance.now() - start > STALL_MS)
  const after = pair.children.map((child) => child.peakMemory())
  pair.sink.setPaused(false)
  await pair.sink.reached(first + sent)
  const names = ['head-end', 'field']
  names.forEach((name, i) => {
    const grown = (after[i] ?? NaN) - (before[i] ?? NaN)
    report({
      suite: 'bridge',
      case: `${PAIR}, stalled device`,
      metric: `${name} peak memory`,
      value: (after[i] ?? NaN) / 1e6,
      unit: 'MB',
      runs: 1,
    })
    report({
      suite: 'bridge',
      case: `${PAIR}, stalled device`,
      metric: `${name} growth`,
      value: grown / 1e6,
      unit: 'MB',
      runs: 1,
    })
  })
  report({
    suite: 'bridge',
    case: `${PAIR}, stalled device`,
    metric: 'accepted while stalled',
    value: sent / 1e6,
    unit: 'MB',
    runs: 1,
  })
}

async function relayChain(): Promise<Chain> {
  const sink = new Sink()
  const far = new Child<{ port: number }>('relay-process.ts', String(await sink.listen()))
  const near = new Child<{ port: number }>('relay-process.ts', String((await far.next()).port))
  return { name: RELAY, sink, source: await Source.connect((await near.next()).port), children: [near, far] }
}

async function bridgeChain(folder: string): Promise<{ chain: Chain; headEnd: Child<Stats>; field: Child<Stats> }> {
  const sink = new Sink()
  const device = `tcp://127.0.0.1:${await sink.listen()}`
  for (const name of ['head-end', 'field']) {
    const key = SigningKey.generate('ML-DSA-65')
    await writeKeyFile(join(folder, `${name}.key`), key)
    await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
  }
  const start = async (name: string, config: object): Promise<Child<Stats>> => {
    const file = join(folder, `${name}.yaml`)
    await writeFile(
      file,
      JSON.stringify({ identity: `${name}.key`, journal: { directory: `journal-${name}` }, ...config }),
    )
    return new Child<Stats>('bridge-process.ts', file)
  }
  const link = { id: 'meter', protocol: 'modbus' }
  const headEnd = await start('head-end', {
    role: 'head-end',
    channel: { listen: 'tcp://127.0.0.1:0' },
    sites: [{ site: 'bench', peer: 'field.pub', links: [{ ...link, master: 'tcp://127.0.0.1:0' }] }],
  })
  const { listening } = await headEnd.next()
  const field = await start('field', {
    role: 'field',
    site: 'bench',
    channel: { connect: listening['channel'], peer: 'head-end.pub' },
    links: [{ ...link, device, maxAge: '1h' }],
  })
  await field.next()
  while ((await headEnd.ask()).sites[0]?.channel !== 'up') await new Promise((resolve) => setTimeout(resolve, 20))
  const source = await Source.connect(Number(new URL(listening['bench/meter'] ?? '').port))
  return { chain: { name: PAIR, sink, source, children: [headEnd, field] }, headEnd, field }
}
