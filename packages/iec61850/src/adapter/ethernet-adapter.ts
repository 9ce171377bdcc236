import type { Description, Operation, ProtocolAdapter, ReadingExtractor } from '@gridseal/adapter'
import { UsageError } from '@gridseal/wire'
import { EthernetFramer } from './framer.ts'

/** What one protocol of the process bus has of its own. */
interface EthernetProtocol {
  readonly protocol: 'goose' | 'sv'
  readonly etherType: number
  readonly apduTag: number
  readonly describe: (frame: Uint8Array) => Description
  readonly operation: (frame: Uint8Array) => Operation
  readonly readings: () => ReadingExtractor
}

/** One Ethernet frame, from the destination address to the padding, is one frame; there are no framings and no sides. */
export function ethernetAdapter({ protocol, etherType, apduTag, ...own }: EthernetProtocol): ProtocolAdapter {
  const check = (framing: string | undefined): void => {
    if (framing !== undefined) throw new UsageError('adapter.framing', `${protocol} has no framings`)
  }
  return {
    protocol,
    recognition: { tcpPorts: [], udpPorts: [], etherTypes: [etherType], looksLike: () => false },
    framings: [],
    framer: (options) => {
      check(options.framing)
      return new EthernetFramer(etherType, apduTag, options)
    },
    describe: (frame, _direction, framing) => {
      check(framing)
      return own.describe(frame)
    },
    inspector: (framing) => {
      check(framing)
      return { push: own.describe }
    },
    operation: (frame, _direction, framing) => {
      check(framing)
      return own.operation(frame)
    },
    readings: (framing) => {
      check(framing)
      return own.readings()
    },
  }
}
