import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Bridge } from '@gridseal/bridge'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { GroupOwner } from '@gridseal/envelope'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import type { EthernetSocket, OpenEthernet } from '@gridseal/transport'
import { MemoryEthernet, openEthernet } from '@gridseal/transport'
import { RealtimeGroup, groupId } from '#src/group/realtime-group.ts'
import type { Report } from '../../../test/support/bench.ts'
import { median, quantile } from '../../../test/support/bench.ts'

const RUNS = 7
const FRAMES = 5000
const LONE_FRAMES = 400
const LONE_PERIOD_MS = 5
const STREAM_FRAMES = 12_000
const ETHER_TYPE = 0x88b8

/** A GOOSE frame of 172 octets, numbered. */
function gooseFrame(number: number): Uint8Array {
  const frame = new Uint8Array(172)
  frame.set([1, 0x0c, 0xcd, 1, 0, 1, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x80, 0, 0x88, 0xb8, 0x30, 1, 0, 154, 0, 0, 0, 0])
  // The APDU: what is in it nobody asks for here.
  frame.set([0x61, 0x81, 143, 0x80, 0x81, 140], 26)
  new DataView(frame.buffer).setUint32(40, number)
  return frame
}

/** Real-time frames under group keys: what a MAC costs, and how much later a frame is on the other network. */
export async function benchGroup(report: Report): Promise<void> {
  await macs(report)
  await latency('Ethernet in memory', { open: new MemoryEthernet().open, ends: MEMORY_ENDS }, report)
  const wires = vethWires()
  if (wires === undefined) return
  try {
    await latency('raw Ethernet (veth)', wires, report)
  } finally {
    wires.remove()
  }
}

/** Making and checking the message of one frame, HMAC-SHA-256 with the whole tag, replay window and age included. */
async function macs(report: Report): Promise<void> {
  const key = SigningKey.generate('ML-DSA-65')
  const now = Date.now
  const options = { name: 'bench', owner: key.publicKey, maxAge: 60_000, now }
  const [from, to] = [new RealtimeGroup(options), new RealtimeGroup(options)]
  const owner = new GroupOwner({ key, group: groupId('bench'), lifetime: 3_600_000, overlap: 1000, epoch: 1 })
  await owner.add(from.recipient)
  await owner.add(to.recipient)
  const [first, second] = await owner.rotate(now())
  from.accept(first!.bytes)
  to.accept(second!.bytes)
  const entry = {
    kind: 'frame',
    link: 'l',
    connection: 0,
    direction: 'to-master',
    time: 1_700_000_000_000_000_000n,
    protocol: 'goose',
    bytes: gooseFrame(0),
  } as const
  const protect: number[] = []
  const open: number[] = []
  for (let run = 0; run <= RUNS; run++) {
    const messages: Uint8Array[] = []
    let before = process.cpuUsage()
    for (let i = 0; i < FRAMES; i++) messages.push(from.protect(entry)!)
    const made = process.cpuUsage(before)
    before = process.cpuUsage()
    for (const message of messages) to.open(message)
    const checked = process.cpuUsage(before)
    // The first run warms up.
    if (run === 0) continue
    protect.push((made.user + made.system) / FRAMES)
    open.push((checked.user + checked.system) / FRAMES)
  }
  const figure = { suite: 'bridge', case: 'GOOSE frame under a group key', unit: 'us', runs: RUNS }
  report({ ...figure, metric: 'CPU to make the MAC', value: median(protect) })
  report({ ...figure, metric: 'CPU to check it', value: median(open) })
}

interface Wires {
  readonly open: OpenEthernet
  /** For each bridge: its interface, and the other end of the wire. */
  readonly ends: Readonly<Record<'field' | 'head-end', readonly [bridge: string, relay: string]>>
}

const MEMORY_ENDS: Wires['ends'] = { field: ['bus-f', 'bus-f'], 'head-end': ['bus-h', 'bus-h'] }

/** Two pairs of virtual interfaces, or undefined where they cannot be made. */
function vethWires(): (Wires & { remove(): void }) | undefined {
  const ends = { field: ['gsbench0', 'gsbench1'], 'head-end': ['gsbench2', 'gsbench3'] } as const
  const ip = (...parts: string[]): unknown => execFileSync('ip', ['link', ...parts], { stdio: 'ignore' })
  const remove = (): void => {
    for (const [name] of Object.values(ends)) {
      try {
        ip('del', name)
      } catch {
        // It was not made.
      }
    }
  }
  try {
    for (const [a, b] of Object.values(ends)) {
      ip('add', a, 'type', 'veth', 'peer', 'name', b)
      ip('set', a, 'up')
      ip('set', b, 'up')
    }
    return { open: openEthernet, ends, remove }
  } catch {
    remove()
    return undefined
  }
}

/** Lone frames from the field's network to the head-end's, beside the same wire without bridges. */
async function latency(name: string, { open, ends }: Wires, report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  const bridges = await startPair(folder, open, ends)
  const sockets: EthernetSocket[] = []
  const openRelay = async (end: string): Promise<EthernetSocket> => {
    const socket = await open({ url: `eth://${end}`, etherType: ETHER_TYPE })
    sockets.push(socket)
    return socket
  }
  try {
    const source = await openRelay(ends.field[1])
    const sink = await openRelay(ends['head-end'][1])
    // What the bridge's own interface hears is the wire alone.
    const beside = await openRelay(ends.field[0])
    await measured(source, sink)
    const through = await measured(source, sink)
    await stream(name, source, sink, report)
    const wire = await measured(source, beside)
    const figure = { suite: 'bridge', unit: 'ms', runs: LONE_FRAMES }
    for (const [q, metric] of [
      [0.5, 'one way, p50'],
      [0.99, 'one way, p99'],
    ] as const) {
      report({
        ...figure,
        case: `GOOSE through two bridges, ${name}`,
        metric,
        value: quantile(through, q),
        versus: 'the wire',
      })
      report({ ...figure, case: `the wire, ${name}`, metric, value: quantile(wire, q) })
    }
  } finally {
    for (const socket of sockets) await socket.close()
    for (const bridge of bridges) await bridge.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A stream of 4,000 frames a second for a while: what both bridges cost, signatures behind the fact included. */
async function stream(name: string, source: EthernetSocket, sink: EthernetSocket, report: Report): Promise<void> {
  let heard = 0
  const subscription = sink.datagrams.subscribe(() => heard++)
  const before = process.cpuUsage()
  const start = performance.now()
  let sent = 0
  while (sent < STREAM_FRAMES) {
    const due = Math.min(STREAM_FRAMES, Math.floor((performance.now() - start) * 4))
    for (; sent < due; sent++) source.send(gooseFrame(number++))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const deadline = performance.now() + 5000
  while (heard < sent && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
  const { user, system } = process.cpuUsage(before)
  subscription.unsubscribe()
  const figure = { suite: 'bridge', case: `4,000 frames a second, ${name}`, runs: STREAM_FRAMES }
  report({ ...figure, metric: 'CPU of both bridges', value: (user + system) / sent, unit: 'us/frame' })
  report({ ...figure, metric: 'lost', value: sent - heard, unit: 'frames' })
}

let number = 0

/** Milliseconds from saying a frame to hearing it. */
async function measured(source: EthernetSocket, sink: EthernetSocket): Promise<number[]> {
  const times: number[] = []
  let heard: (() => void) | undefined
  const subscription = sink.datagrams.subscribe(() => heard?.())
  for (let i = 0; i < LONE_FRAMES; i++) {
    const arrived = new Promise<void>((resolve) => (heard = resolve))
    const start = performance.now()
    source.send(gooseFrame(number++))
    await arrived
    times.push(performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, LONE_PERIOD_MS))
  }
  subscription.unsubscribe()
  return times
}

/** Both bridges in this process, members of one group. */
async function startPair(folder: string, open: OpenEthernet, ends: Wires['ends']): Promise<Bridge[]> {
  for (const name of ['head-end', 'field']) {
    const key = SigningKey.generate('ML-DSA-65')
    await writeKeyFile(join(folder, `${name}.key`), key)
    await writePublicKeyFile(join(folder, `${name}.pub`), key.publicKey)
  }
  const start = async (config: object): Promise<Bridge> => {
    const checked = parseConfig(JSON.stringify(config), 'bench')
    const bridge = await createBridge(checked, () => undefined, { openEthernet: open })
    await bridge.start()
    return bridge
  }
  const headEnd = await start({
    role: 'head-end',
    identity: join(folder, 'head-end.key'),
    channel: { listen: 'tcp://127.0.0.1:0' },
    sites: [
      {
        site: 'test',
        peer: join(folder, 'field.pub'),
        links: [{ id: 'meter', protocol: 'raw', master: 'tcp://127.0.0.1:0' }],
      },
    ],
    groups: [
      {
        name: 'trips',
        protocol: 'goose',
        address: `eth://${ends['head-end'][0]}`,
        members: [{ site: 'test', link: 'relays' }],
      },
    ],
  })
  const field = await start({
    role: 'field',
    site: 'test',
    identity: join(folder, 'field.key'),
    channel: { connect: headEnd.stats.listening['channel'], peer: join(folder, 'head-end.pub') },
    links: [{ id: 'relays', protocol: 'goose', device: `eth://${ends.field[0]}`, group: 'trips' }],
  })
  const keyed = (): boolean => (field.stats.sites[0]?.groups['relays']?.epoch ?? 0) > 0
  while (!keyed()) await new Promise((resolve) => setTimeout(resolve, 10))
  return [field, headEnd]
}
