import type { EthernetSocket } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import type { EthernetHeader } from '../codec/ethernet.ts'
import { parseMac, vlanTag } from '../codec/ethernet.ts'
import type { ProcessBusFrame } from '../codec/process-bus/header.ts'
import { knownKeys, whole } from '../session/options.ts'

/** Where a publisher sends its frames, as SCL has it (IEC 61850-6 9.4: GSE and SMV addresses). */
export interface PublisherAddress {
  /** `01-0C-CD-01-00-01`. */
  readonly destination: string
  readonly appId: number
  /** Default 0. */
  readonly vlanId?: number
  /** Default 4. Null: frames have no VLAN tag. */
  readonly vlanPriority?: number | null
  /** Default: the address of the interface. */
  readonly source?: string
}

const KEYS = ['destination', 'appId', 'vlanId', 'vlanPriority', 'source'] as const
const EMPTY = new Uint8Array(0)

/** The parts of a frame that stay the same. Throws `UsageError` `iec61850.option`, `iec61850.mac`, `iec61850.ethernet`. */
export function publisherFrame(
  address: PublisherAddress,
  etherType: number,
  socket: EthernetSocket,
  simulated: boolean,
): ProcessBusFrame {
  knownKeys(address, KEYS)
  const { destination, appId, vlanId = 0, vlanPriority = 4, source = socket.address } = address
  if (source === undefined) throw new UsageError('iec61850.option', 'the interface has no address: source is needed')
  const ethernet: EthernetHeader = {
    destination: parseMac(destination),
    source: parseMac(source),
    tags: vlanPriority === null ? [] : [vlanTag({ id: vlanId, priority: vlanPriority })],
    etherType,
  }
  const header = { appId: whole('appId', appId, 0, 0xffff), simulated, reserved1: 0, reserved2: 0 }
  return { ethernet, header, extension: EMPTY, padding: EMPTY }
}
