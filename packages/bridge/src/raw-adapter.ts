import type { Description, Framer, ProtocolAdapter } from '@gridseal/adapter'
import { UsageError, toHex } from '@gridseal/wire'

/** Bytes of a protocol that no adapter knows: every chunk is carried as it came. Policy sees `unknown` operations. */
export const rawAdapter: ProtocolAdapter = {
  protocol: 'raw',
  recognition: { tcpPorts: [], udpPorts: [], etherTypes: [], looksLike: () => false },
  framings: [],
  framer: (options) => {
    if (options.framing !== undefined) throw new UsageError('adapter.framing', 'raw has no framings')
    return new RawFramer()
  },
  describe,
  inspector: () => ({ push: describe }),
  operation: () => ({ kind: 'unknown', critical: true }),
  readings: () => ({ push: () => [] }),
}

function describe(frame: Uint8Array): Description {
  const shown = toHex(frame.subarray(0, 32))
  return {
    protocol: 'raw',
    malformed: null,
    summary: `${frame.length} bytes ${shown}${frame.length > 32 ? '…' : ''}`,
    fields: { length: frame.length },
    members: `"length":${frame.length}`,
  }
}

class RawFramer implements Framer {
  readonly discarded: number = 0
  readonly invalid: number = 0
  readonly pending: number = 0
  push(chunk: Uint8Array): Uint8Array[] {
    return chunk.length === 0 ? [] : [chunk]
  }
  quiet(): Uint8Array[] {
    return []
  }
  reset(): void {}
}
