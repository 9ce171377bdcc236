/** What a master has seen of one outstation. They only grow. */
export interface MasterCounters {
  requests: number
  /** Fragments of answers that were waited for. */
  responses: number
  unsolicited: number
  /** Unsolicited responses that came again: confirmed, not told again. */
  repeatedUnsolicited: number
  confirms: number
  timeouts: number
  /** Tasks that failed, for whatever reason. */
  failures: number
  /** Fragments that fit nothing: wrong sequence number, FIR or FIN, too short, requests. */
  ignored: number
}

export function newMasterCounters(): MasterCounters {
  return {
    requests: 0,
    responses: 0,
    unsolicited: 0,
    repeatedUnsolicited: 0,
    confirms: 0,
    timeouts: 0,
    failures: 0,
    ignored: 0,
  }
}
