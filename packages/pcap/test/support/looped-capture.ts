import { LINK_TYPE, PcapWriter, readCapture } from '@gridseal/pcap'

/**
 * A pcap file as long as you like from a short Ethernet capture, one chunk per round. In each round the IPv4 hosts have
 * other addresses, so that its TCP connections are new ones and not retransmissions of those before.
 */
export function* loopedCapture(capture: Uint8Array, rounds: number): Generator<Uint8Array, void, undefined> {
  const writer = new PcapWriter({ linkType: LINK_TYPE.ETHERNET })
  yield writer.take()
  const packets = readCapture(capture).packets
  for (const packet of packets) writer.add(packet)
  const template = writer.take()
  const addresses = ipv4HostOctets(
    template,
    packets.map((packet) => packet.length),
  )
  for (let round = 0; round < rounds; round++) {
    const chunk = template.slice()
    for (const at of addresses) {
      chunk[at] = (chunk[at]! + round) & 0xff
      chunk[at - 1] = (chunk[at - 1]! + (round >>> 8)) & 0xff
    }
    yield chunk
  }
}

/** Offsets in the records of the second octet of each IPv4 source and destination address. */
function ipv4HostOctets(records: Uint8Array, lengths: readonly number[]): number[] {
  const offsets: number[] = []
  let at = 16
  for (const length of lengths) {
    const isIpv4 = length >= 34 && records[at + 12] === 0x08 && records[at + 13] === 0x00
    if (isIpv4) offsets.push(at + 27, at + 31)
    at += length + 16
  }
  return offsets
}
