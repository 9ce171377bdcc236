import { CaptureWalker } from '@gridseal/pcap'
import type { Packet, WalkEvent, WalkOptions } from '@gridseal/pcap'
import { toHex } from '@gridseal/wire'

/** Walks all packets and ends the capture. */
export function walk(packets: readonly Packet[], options: WalkOptions = {}): WalkEvent[] {
  const walker = new CaptureWalker(options)
  return [...walker.pushAll(packets), ...walker.finish()]
}

/** One line per event: packet number (`end` for the end of the capture), kind, and what matters of it. */
export function describeEvents(events: readonly WalkEvent[]): string[] {
  return events.map(describeEvent)
}

function describeEvent(event: WalkEvent): string {
  const line = `${event.packet?.number ?? 'end'} ${event.kind}`
  switch (event.kind) {
    case 'stream-open': {
      const { index, client, server, midStream } = event.stream
      return `${line} ${index} ${client.text} -> ${server.text}${midStream ? ' mid-stream' : ''}`
    }
    case 'stream-data': {
      const carrier = event.carrier.number === event.packet.number ? '' : ` (carried by ${event.carrier.number})`
      return `${line} ${event.stream.index} ${arrow(event.direction)} ${show(event.bytes)}${carrier}`
    }
    case 'stream-gap':
      return `${line} ${event.stream.index} ${arrow(event.direction)} ${event.missing} missing`
    case 'stream-close':
      return `${line} ${event.stream.index} ${event.reason}`
    case 'datagram':
      return `${line} ${event.source.text} -> ${event.destination.text} ${show(event.bytes)}${cut(event.missing)}`
    case 'ethernet': {
      const vlans = event.vlans.map(({ protocol, id, priority }) => ` ${protocol.toString(16)}:${id}/${priority}`)
      const type = event.etherType.toString(16).padStart(4, '0')
      const ends = `${event.source ?? '-'} -> ${event.destination ?? '-'}`
      return `${line} ${type} ${ends}${vlans.join('')} ${show(event.bytes)}${cut(event.missing)}`
    }
    case 'user':
      return `${line} ${event.linkType} ${show(event.bytes)}${cut(event.missing)}`
    case 'problem':
      return `${line} ${event.code} at ${event.offset}: ${event.reason}`
  }
}

function arrow(direction: string): string {
  return direction === 'client-to-server' ? '>' : '<'
}

function cut(missing: number): string {
  return missing === 0 ? '' : ` (${missing} missing)`
}

/** Printable text as it is in quotes, everything else in hex. */
function show(bytes: Uint8Array): string {
  const isText = bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return isText ? `'${Buffer.from(bytes).toString('latin1')}'` : toHex(bytes)
}
