import type { Description, Operation, ProtocolAdapter, ReadingExtractor } from '@gridseal/adapter'
import { UsageError } from '@gridseal/wire'
import { APDU_TAG } from '../codec/process-bus/header.ts'
import { looksRoutable } from '../codec/routable/session.ts'
import { BusFramer } from './framer.ts'

/** How frames travel: straight on Ethernet, or in datagrams of R-GOOSE and R-SV. */
const FRAMINGS = ['ethernet', 'routable'] as const

/** What one protocol of the process bus has of its own; `Examined`: what could be read of a frame. */
interface BusProtocol<Examined> {
  readonly protocol: 'goose' | 'sv'
  readonly etherType: number
  readonly examine: (frame: Uint8Array) => Examined
  readonly examineRoutable: (datagram: Uint8Array) => Examined
  readonly describe: (examined: Examined) => Description
  readonly operation: (examined: Examined) => Operation
  readonly readings: (examine: (frame: Uint8Array) => Examined) => ReadingExtractor
}

/**
 * One Ethernet frame, from the destination address to the padding, is one frame; with the framing `routable`, one datagram of UDP
 * is. There are no sides.
 */
export function busAdapter<Examined>(own: BusProtocol<Examined>): ProtocolAdapter {
  const { protocol, etherType } = own
  const isRoutable = (framing: string | undefined): boolean => {
    if (framing === undefined || FRAMINGS.some((one) => one === framing)) return framing === 'routable'
    throw new UsageError('adapter.framing', `${protocol} has no framing "${framing}"; there are ${FRAMINGS.join(', ')}`)
  }
  const examiner = (framing: string | undefined): BusProtocol<Examined>['examine'] =>
    isRoutable(framing) ? own.examineRoutable : own.examine
  return {
    protocol,
    recognition: {
      tcpPorts: [],
      udpPorts: [],
      etherTypes: [etherType],
      looksLike: (bytes) => looksRoutable(bytes, protocol),
      datagramFraming: 'routable',
    },
    framings: FRAMINGS,
    framer: (options) => new BusFramer(protocol, etherType, APDU_TAG[protocol], isRoutable(options.framing), options),
    describe: (frame, _direction, framing) => own.describe(examiner(framing)(frame)),
    inspector: (framing) => {
      const examine = examiner(framing)
      return { push: (frame) => own.describe(examine(frame)) }
    },
    operation: (frame, _direction, framing) => own.operation(examiner(framing)(frame)),
    readings: (framing) => own.readings(examiner(framing)),
  }
}
