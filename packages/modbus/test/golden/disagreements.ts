/**
 * Packets about which the adapter and TShark 4.0.17 say different things, and why. `ours` and `theirs` are the function
 * codes that each finds in the packet, in order.
 */
export interface Disagreement {
  readonly capture: string
  readonly packet: number
  readonly ours: string
  readonly theirs: string
  readonly why: string
}

const OUT_OF_ORDER =
  'its segment is out of order or repeats bytes that were not captured before: TShark marks it as a retransmission and ' +
  'does not dissect it, but the bytes are a sound frame'

const retold = (capture: string, packet: number, ours: string): Disagreement => ({
  capture,
  packet,
  ours,
  theirs: '',
  why: OUT_OF_ORDER,
})

export const DISAGREEMENTS: readonly Disagreement[] = [
  retold('iti_fuzz_72.pcap', 2, '28'),
  {
    capture: 'iti_fuzz_72.pcap',
    packet: 7,
    ours: '34',
    theirs: '',
    why:
      'the frame before claims two bytes fewer than it has; TShark takes those two for the next header and waits for ' +
      'more, we skip them (counted) to the header behind them',
  },
  retold('iti_fuzz_72.pcap', 19, '47'),
  retold('iti_fuzz_72.pcap', 21, '51'),
  retold('iti_fuzz_72.pcap', 30, '64'),
  retold('iti_fuzz_72.pcap', 32, '66'),
  retold('iti_mb2_first6000.pcap', 1131, '4,4,4,4'),
  {
    capture: 'iti_mb2_first6000.pcap',
    packet: 3674,
    ours: '4',
    theirs: '',
    why:
      'repeats packet 3008 together with the frame before it, which was not captured; TShark only marks it as a ' +
      'retransmission',
  },
  retold('iti_modbusBig.pcap', 3150, '1'),
]
