import type { Clock, EthernetSocket } from '@gridseal/transport'
import { SYSTEM_CLOCK, openEthernet } from '@gridseal/transport'
import { UsageError } from '@gridseal/wire'
import type { EthernetHeader } from '../codec/ethernet.ts'
import { parseMac, vlanTag } from '../codec/ethernet.ts'
import type { ProcessBusFrame } from '../codec/process-bus/header.ts'
import { knownKeys, whole } from '../session/options.ts'
import type { StationParts } from './subscriber.ts'

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

/** What a publisher sends by. */
export interface PublisherOutput {
  readonly socket: EthernetSocket
  /** The parts of a frame that stay the same. */
  readonly frame: ProcessBusFrame
  readonly clock: Clock
}

/** Rejects as `openEthernet` does, and with `UsageError` `iec61850.option`, `iec61850.mac`, `iec61850.ethernet`. */
export async function openPublisher(
  url: string,
  etherType: number,
  address: PublisherAddress,
  simulated: boolean,
  { openEthernet: open = openEthernet, clock = SYSTEM_CLOCK }: StationParts,
): Promise<PublisherOutput> {
  const socket = await open({ url, etherType })
  try {
    return { socket, frame: publisherFrame(address, etherType, socket, simulated), clock }
  } catch (error) {
    await socket.close()
    throw error
  }
}

function publisherFrame(
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
