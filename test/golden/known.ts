/**
 * Packets in which our records and tshark's digest differ, and why. The test fails for a difference that is not listed
 * and for one that is listed and gone. README.md beside this file tells the stories.
 */
export interface Known {
  readonly reason: string
  readonly fields: readonly string[]
  readonly frames: readonly number[]
}

const RETRANSMISSION =
  'TShark takes the segment for a retransmission (or out of order) by its numbers and does not dissect it; it holds bytes that no other packet holds'

export const KNOWN: Readonly<Record<string, readonly Known[]>> = {
  'loopback_modbus_rtu.pcap': [
    {
      reason:
        'request and response of functions 5 and 6 look the same; TShark sees a line without sides and leaves them undecoded, we know the side from the request before',
      fields: ['address'],
      frames: [11, 12, 15, 16],
    },
  ],
  'iti_fuzz_72.pcap': [{ reason: RETRANSMISSION, fields: ['packet'], frames: [2, 7, 19, 21, 30, 32] }],
  'iti_modbusBig.pcap': [{ reason: RETRANSMISSION, fields: ['packet'], frames: [3150] }],
  'iti_mb2_first6000.pcap': [
    { reason: RETRANSMISSION, fields: ['packet'], frames: [1131, 3674] },
    {
      reason:
        'the segment begins 13 bytes after the last one seen; packet 3674 sends all of it again from the start, so the response is whole there',
      fields: ['packet'],
      frames: [3008],
    },
  ],
}
