import { execFileSync } from 'node:child_process'

/** What tshark says of one packet; texts as it prints them, empty where a field is absent. */
export interface TsharkPacket {
  readonly number: number
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
  readonly length: number
  readonly captured: number
  readonly stream: string
  readonly tcpPayload: string
  readonly udpPayload: string
  /** Of Ethernet, VLAN tags and HSR tag, outermost first. */
  readonly etherTypes: readonly string[]
  readonly macSource: string
  readonly macDestination: string
  readonly vlans: string
  /** Address and port of the sender of a TCP segment. */
  readonly tcpSender: string
  readonly tcpSequence: number
}

/** The content of one stream, by end. */
export interface FollowedStream {
  readonly ends: readonly [string, string]
  /** Hex of what each end sent. */
  readonly sent: readonly [string, string]
}

const FIELDS = [
  'frame.number',
  'frame.time_epoch',
  'frame.len',
  'frame.cap_len',
  'tcp.stream',
  'tcp.payload',
  'udp.payload',
  'eth.type',
  'eth.src',
  'eth.dst',
  'vlan.id',
  'vlan.etype',
  'hsr.type',
  'ip.src',
  'ipv6.src',
  'tcp.srcport',
  'tcp.seq_raw',
] as const

/** A capture as tshark reads it: every packet, and what `Follow TCP Stream` makes of the first `streams` streams. */
export function runTshark(path: string, streams: number): { packets: TsharkPacket[]; followed: FollowedStream[] } {
  const taps = Array.from({ length: streams }, (_, stream) => ['-z', `follow,tcp,raw,${stream}`]).flat()
  const fields = FIELDS.flatMap((field) => ['-e', field])
  const output = execFileSync('tshark', ['-n', '-r', path, '-T', 'fields', ...fields, ...taps], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packets = '', ...follows] = output.split(/^=+\n/m)
  return {
    packets: packets
      .split('\n')
      .filter((line) => line !== '')
      .map(packetOf),
    followed: streamsOf(follows),
  }
}

function packetOf(line: string): TsharkPacket {
  const cells = line.split('\t')
  const cell = (field: (typeof FIELDS)[number]): string => cells[FIELDS.indexOf(field)] ?? ''
  return {
    number: Number(cell('frame.number')),
    time: nanoseconds(cell('frame.time_epoch')),
    length: Number(cell('frame.len')),
    captured: Number(cell('frame.cap_len')),
    stream: cell('tcp.stream'),
    tcpPayload: cell('tcp.payload'),
    udpPayload: cell('udp.payload'),
    etherTypes: [cell('eth.type'), cell('vlan.etype'), cell('hsr.type')].flatMap((types) =>
      types.split(',').filter((type) => type !== ''),
    ),
    macSource: cell('eth.src'),
    macDestination: cell('eth.dst'),
    vlans: cell('vlan.id'),
    tcpSender: `${cell('ip.src')}${cell('ipv6.src')}:${cell('tcp.srcport')}`,
    tcpSequence: Number(cell('tcp.seq_raw')),
  }
}

function streamsOf(follows: readonly string[]): FollowedStream[] {
  const streams: FollowedStream[] = []
  for (const follow of follows) {
    const match = /^Filter: tcp\.stream eq (\d+)\nNode 0: (.*)\nNode 1: (.*)\n([^]*)$/m.exec(follow)
    if (match === null) continue
    const lines = (match[4] ?? '').split('\n')
    const first = lines.filter((line) => !line.startsWith('\t')).join('')
    const second = lines.filter((line) => line.startsWith('\t')).map((line) => line.slice(1))
    streams[Number(match[1])] = { ends: [match[2] ?? '', match[3] ?? ''], sent: [first, second.join('')] }
  }
  return streams
}

/** Joins captures, one after the other, into one pcapng file with an interface for each. */
export function mergecap(captures: readonly string[], into: string): void {
  execFileSync('mergecap', ['-a', '-w', into, ...captures], { stdio: ['ignore', 'ignore', 'ignore'] })
}

function nanoseconds(epoch: string): bigint {
  const [seconds = '0', fraction = ''] = epoch.split('.')
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}
