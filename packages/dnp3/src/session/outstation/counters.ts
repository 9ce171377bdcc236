/** What an outstation's application layer has seen of one master. They only grow. */
export interface OutstationCounters {
  /** Requests, confirmations apart. */
  requests: number
  /** Requests with an error bit in the answer. */
  refused: number
  /** Fragments that are none, or that no outstation takes: too short, responses, wrong FIR, FIN, CON or UNS. */
  ignored: number
  /** Requests that came again and were answered again. */
  repeated: number
  responses: number
  unsolicited: number
  /** Unsolicited responses sent again. */
  unsolicitedRetries: number
  /** Series of unsolicited responses given up. */
  unsolicitedFailures: number
  confirms: number
  /** Confirmations that nobody waited for. */
  strayConfirms: number
  /** Responses whose confirmation did not come in time. */
  confirmTimeouts: number
  broadcasts: number
  /** Commands carried out with success. */
  commands: number
}

export function newOutstationCounters(): OutstationCounters {
  return {
    requests: 0,
    refused: 0,
    ignored: 0,
    repeated: 0,
    responses: 0,
    unsolicited: 0,
    unsolicitedRetries: 0,
    unsolicitedFailures: 0,
    confirms: 0,
    strayConfirms: 0,
    confirmTimeouts: 0,
    broadcasts: 0,
    commands: 0,
  }
}
