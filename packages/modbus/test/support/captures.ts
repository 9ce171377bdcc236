import { readFileSync } from 'node:fs'
import type { Description, Direction, Framer, Inspector } from '@gridseal/adapter'
import { modbusAdapter } from '@gridseal/modbus'
import { CaptureWalker, readCapture } from '@gridseal/pcap'
import type { StreamDataEvent, TcpStream } from '@gridseal/pcap'

/** One frame found in a capture, told by the adapter. */
export interface CapturedFrame {
  /** The packet that completed it. */
  readonly packet: number
  readonly direction: Direction
  readonly bytes: Uint8Array
  readonly description: Description
}

export interface CapturedConversation {
  readonly frames: readonly CapturedFrame[]
  readonly discarded: number
}

const MODBUS = 502

interface Half {
  readonly framer: Framer
  readonly direction: Direction
}

/** Data of the connections to port 502, in order of the packets that brought it. */
export function* modbusSegments(capture: string): Generator<StreamDataEvent | { gap: true; stream: string }> {
  const walker = new CaptureWalker({ serverPorts: [MODBUS] })
  const events = walker.pushAll(readCapture(readFileSync(capture)).packets)
  events.push(...walker.finish())
  for (const event of events) {
    if (event.kind === 'stream-data' && isModbus(event.stream)) yield event
    else if (event.kind === 'stream-gap') yield { gap: true, stream: `${event.stream.index}/${event.direction}` }
  }
}

/** Cuts a capture into frames and describes them as `inspect` does. */
export function inspectCapture(capture: string): CapturedConversation {
  const halves = new Map<string, Half>()
  const inspectors = new Map<number, Inspector>()
  const frames: CapturedFrame[] = []
  for (const event of modbusSegments(capture)) {
    if ('gap' in event) {
      halves.get(event.stream)?.framer.reset()
      continue
    }
    const half = entry(halves, `${event.stream.index}/${event.direction}`, () => openHalf(event))
    const inspector = entry(inspectors, event.stream.index, () => modbusAdapter.inspector())
    for (const bytes of half.framer.push(event.bytes)) {
      const description = inspector.push(bytes, half.direction)
      frames.push({ packet: event.carrier.number, direction: half.direction, bytes, description })
    }
  }
  const discarded = [...halves.values()].reduce((sum, half) => sum + half.framer.discarded + half.framer.pending, 0)
  return { frames, discarded }
}

/** The segments of each direction of each connection of a capture. Connections that lost bytes are left out. */
export function capturedSegments(capture: string): { direction: Direction; chunks: Uint8Array[] }[] {
  const halves = new Map<string, { direction: Direction; chunks: Uint8Array[] }>()
  for (const event of modbusSegments(capture)) {
    if ('gap' in event) continue
    const { direction } = openHalf(event)
    entry(halves, `${event.stream.index}/${event.direction}`, () => ({ direction, chunks: [] })).chunks.push(
      event.bytes,
    )
  }
  return [...halves.values()].filter(({ direction, chunks }) => {
    const framer = modbusAdapter.framer({ medium: 'stream', direction })
    for (const chunk of chunks) framer.push(chunk)
    return framer.discarded + framer.pending === 0
  })
}

function isModbus(stream: TcpStream): boolean {
  return stream.server.port === MODBUS || stream.client.port === MODBUS
}

/** The device is where port 502 is, even where it was that side which connected. */
function openHalf(event: StreamDataEvent): Half {
  const { stream } = event
  const sender = event.direction === 'client-to-server' ? stream.client : stream.server
  const direction = sender.port === MODBUS ? 'to-master' : 'to-device'
  return { direction, framer: modbusAdapter.framer({ medium: 'stream', direction }) }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
