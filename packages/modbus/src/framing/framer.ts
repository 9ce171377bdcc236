import type { Framer, FramerOptions } from '@gridseal/adapter'
import { UsageError } from '@gridseal/wire'
import type { AsciiLine, Framing } from '../codec/adu.ts'
import { FRAMINGS, newAsciiLine } from '../codec/adu.ts'
import type { PduSide } from '../codec/pdu-codec.ts'
import type { Direction } from '@gridseal/adapter'
import { asciiRule } from './ascii-rule.ts'
import { rtuRule } from './rtu-rule.ts'
import { StreamFramer } from './stream-framer.ts'
import { tcpRule } from './tcp-rule.ts'

/**
 * A framer of one direction of one connection or line; `ascii` is the line where its delimiter may change. Throws {@link UsageError} `adapter.framing` for a framing that
 * is none of {@link FRAMINGS}.
 */
export function createFramer(options: FramerOptions, ascii: Readonly<AsciiLine> = newAsciiLine()): Framer {
  const { medium, direction, keepInvalid = false } = options
  const side = sideOf(direction)
  switch (checkFraming(options.framing)) {
    case 'tcp':
      return new StreamFramer(tcpRule(side), medium, keepInvalid)
    case 'rtu':
      return new StreamFramer(rtuRule(side, medium), medium, keepInvalid)
    case 'ascii':
      return new StreamFramer(asciiRule(ascii), medium, keepInvalid)
  }
}

/** What travels to the device is a request; what comes back, a response. */
export function sideOf(direction: Direction): PduSide {
  return direction === 'to-device' ? 'request' : 'response'
}

/** The framing named, `tcp` by default. Throws {@link UsageError} `adapter.framing`. */
export function checkFraming(framing: string = 'tcp'): Framing {
  const known = FRAMINGS.find((name) => name === framing)
  if (known === undefined) {
    throw new UsageError('adapter.framing', `Modbus framing ${framing} is none of ${FRAMINGS.join(', ')}`)
  }
  return known
}
