import type { ProtocolAdapter } from '@gridseal/adapter'
import { createInspector, describe } from './adapter/describe.ts'
import { expectsAnswer } from './adapter/expects-answer.ts'
import { looksLikeDnp3 } from './adapter/looks-like.ts'
import { operationOf } from './adapter/operation.ts'
import { dnp3Rules } from './adapter/rules.ts'
import { createReadings } from './adapter/readings.ts'
import { parseOutstationModel, pointNames } from './model/model.ts'
import { FRAMING, checkFraming, createFramer } from './framing/framer.ts'

/** DNP3 for the bridge. One framing, `ft3`: link frames are the same over TCP, UDP and serial lines. */
export const dnp3Adapter: ProtocolAdapter = {
  protocol: 'dnp3',
  recognition: { tcpPorts: [20_000], udpPorts: [20_000], etherTypes: [], looksLike: looksLikeDnp3 },
  framings: [FRAMING],
  framer: createFramer,
  describe: (frame, _direction, framing) => {
    checkFraming(framing)
    return describe(frame)
  },
  inspector: (framing) => {
    checkFraming(framing)
    return createInspector()
  },
  operation: (frame, direction, framing) => {
    checkFraming(framing)
    return operationOf(frame, direction)
  },
  rules: dnp3Rules,
  expectsAnswer: (request, framing) => {
    checkFraming(framing)
    return expectsAnswer(request)
  },
  readings: (framing, names) => {
    checkFraming(framing)
    return createReadings(names)
  },
  pointNames: (source, file) => pointNames(parseOutstationModel(source, file)),
}
