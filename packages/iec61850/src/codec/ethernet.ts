import type { Writer } from '@gridseal/wire'
import { DecodeError, HSR_TAG, Reader, UsageError, VLAN_TAGS, parseMac as parse } from '@gridseal/wire'

export { formatMac } from '@gridseal/wire'

/** A tag between the addresses and the EtherType of what is carried. */
export interface EthernetTag {
  /** Tag protocol identifier: 0x8100 (IEEE 802.1Q), 0x88a8, 0x9100, 0x9200, or 0x892f (HSR, IEC 62439-3). */
  readonly protocol: number
  /** What follows the identifier: two octets of tag control information, of an HSR tag four. */
  readonly control: Uint8Array
}

/** An Ethernet header, tags included. */
export interface EthernetHeader {
  /** Six octets. */
  readonly destination: Uint8Array
  /** Six octets. */
  readonly source: Uint8Array
  /** Outermost first. */
  readonly tags: readonly EthernetTag[]
  readonly etherType: number
}

/** What IEEE 802.1Q puts into two octets of tag control information. */
export interface VlanControl {
  /** VLAN identifier, 0 to 4095; 0 where the tag only carries the priority. */
  readonly id: number
  /** Priority code point, 0 to 7; 4 is usual for GOOSE and sampled values (IEC 61850-8-1 Annex C). */
  readonly priority: number
  readonly dropEligible: boolean
}

const MAC_OCTETS = 6
const MOST_TAGS = 8

/** Reads up to and with the EtherType. Throws `DecodeError`. */
export function readEthernetHeader(r: Reader): EthernetHeader {
  const destination = r.take(MAC_OCTETS, 'destination')
  const source = r.take(MAC_OCTETS, 'source')
  const tags: EthernetTag[] = []
  for (;;) {
    const etherType = r.u16be('etherType')
    const octets = controlOctets(etherType)
    if (octets === 0) return { destination, source, tags, etherType }
    if (tags.length === MOST_TAGS) throw r.error('decode.ethernet.tags', 'etherType', `more than ${MOST_TAGS} tags`)
    tags.push({ protocol: etherType, control: r.take(octets, 'tag') })
  }
}

/** Throws `UsageError` `iec61850.ethernet` for addresses or tags of another size. */
export function writeEthernetHeader(w: Writer, { destination, source, tags, etherType }: EthernetHeader): void {
  for (const address of [destination, source]) {
    if (address.length !== MAC_OCTETS) throw new UsageError('iec61850.ethernet', 'a MAC address has six octets')
    w.bytes(address)
  }
  for (const { protocol, control } of tags) {
    if (control.length === 0 || control.length !== controlOctets(protocol)) {
      throw new UsageError('iec61850.ethernet', `a tag 0x${protocol.toString(16)} of ${control.length} octets`)
    }
    w.u16be(protocol).bytes(control)
  }
  w.u16be(etherType)
}

function controlOctets(tagProtocol: number): number {
  return VLAN_TAGS.has(tagProtocol) ? 2 : tagProtocol === HSR_TAG ? 4 : 0
}

/** The EtherType of a frame behind its tags; undefined where there is none. */
export function etherTypeOf(frame: Uint8Array): number | undefined {
  try {
    return readEthernetHeader(new Reader(frame)).etherType
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** The innermost VLAN tag of a header, undefined for an untagged frame. */
export function vlanOf({ tags }: EthernetHeader): VlanControl | undefined {
  const control = tags.findLast(({ protocol }) => VLAN_TAGS.has(protocol))?.control
  if (control === undefined) return undefined
  const word = (control[0]! << 8) | control[1]!
  return { id: word & 0xfff, priority: word >> 13, dropEligible: (word & 0x1000) !== 0 }
}

/** An IEEE 802.1Q tag. Throws `UsageError` `iec61850.ethernet` for numbers out of range. */
export function vlanTag({
  id,
  priority,
  dropEligible = false,
}: Partial<VlanControl> & Pick<VlanControl, 'id' | 'priority'>): EthernetTag {
  if (!Number.isInteger(id) || id < 0 || id > 4095) throw new UsageError('iec61850.ethernet', `no VLAN ${id}`)
  if (!Number.isInteger(priority) || priority < 0 || priority > 7) {
    throw new UsageError('iec61850.ethernet', `no priority ${priority}`)
  }
  const word = (priority << 13) | (dropEligible ? 0x1000 : 0) | id
  return { protocol: 0x8100, control: Uint8Array.of(word >> 8, word & 0xff) }
}

/** A MAC address as SCL writes it, `01-0C-CD-01-00-01`; also with colons. Throws `UsageError` `iec61850.mac`. */
export function parseMac(text: string): Uint8Array {
  return parse(text, 'iec61850.mac')
}
