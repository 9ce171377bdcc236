import type { ProtocolAdapter } from '@gridseal/adapter'
import { createInspector, describe } from './adapter/describe.ts'
import { looksLikeModbusTcp } from './adapter/looks-like.ts'
import { operationOf } from './adapter/operation.ts'
import { createReadings } from './adapter/readings.ts'
import { modbusRules } from './adapter/rules.ts'
import { unavailable } from './adapter/unavailable.ts'
import { FRAMINGS } from './codec/adu.ts'
import { checkFraming, createFramer } from './framing/framer.ts'

/**
 * Modbus for the bridge. Framings: `tcp` (MBAP, default), `rtu` (serial lines and RTU over TCP), `ascii`.
 *
 * Framers of `rtu` need `quiet()` when a line falls silent, over TCP too: a frame that lost a byte ends in no other way.
 */
export const modbusAdapter: ProtocolAdapter = {
  protocol: 'modbus',
  recognition: { tcpPorts: [502], udpPorts: [502], etherTypes: [], looksLike: looksLikeModbusTcp },
  framings: FRAMINGS,
  framer: createFramer,
  describe: (frame, direction, framing) => describe(frame, direction, checkFraming(framing)),
  inspector: (framing) => createInspector(checkFraming(framing)),
  operation: (frame, direction, framing) => operationOf(frame, direction, checkFraming(framing)),
  rules: modbusRules,
  unavailable: (request, cause, framing) => unavailable(request, cause, checkFraming(framing)),
  // Whatever is answered at all can be answered with an exception.
  expectsAnswer: (request, framing) => unavailable(request, 'path', checkFraming(framing)) !== undefined,
  readings: (framing) => createReadings(checkFraming(framing)),
}
