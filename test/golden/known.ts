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

const PRIMITIVE_ARRAY =
  'arrays are primitive (81), against X.690 8.10.1: no device sends such; TShark reads on in them, we show no values'

const AUTHENTICATION = 'TShark has no g120: it decodes nothing behind function codes 32 and 131'
const CTO_UNSYNCHRONISED = 'TShark does not know g51v2 and stops there; it has the layout of g51v1'

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
  'iti_mb2_first6000.pcap': [{ reason: RETRANSMISSION, fields: ['packet'], frames: [1131, 3674] }],
  'iti_auth_change_session_keys.pcap': [
    { reason: AUTHENTICATION, fields: ['objects'], frames: [4, 5, 6, 7] },
    { reason: AUTHENTICATION, fields: ['iin'], frames: [5, 7] },
  ],
  'iti_auth_control_challenge_response.pcap': [
    { reason: AUTHENTICATION, fields: ['objects'], frames: [2, 3] },
    { reason: AUTHENTICATION, fields: ['iin'], frames: [2] },
  ],
  'iti_dataset_exchange.pcap': [
    {
      reason:
        'TShark does not know g86 and takes the data of three sized objects for a fault; they fill the fragment to its last octet',
      fields: ['malformed'],
      frames: [6],
    },
  ],
  'opendnp3conf_8_14_2_13.pcap': [{ reason: CTO_UNSYNCHRONISED, fields: ['objects'], frames: [10, 16] }],
  'opendnp3conf_8_15_2.pcap': [{ reason: CTO_UNSYNCHRONISED, fields: ['objects'], frames: [10] }],
  'zeek_dnp3.pcap': [
    {
      reason: 'TShark does not look at the objects of STOP_APPL (18)',
      fields: ['objects'],
      frames: [163, 166, 174, 176],
    },
    {
      reason: 'the last header has qualifier 0xED: bit 7 must be 0 and range code D is reserved; TShark lets it pass',
      fields: ['malformed'],
      frames: [154, 156, 163, 166, 174, 176],
    },
  ],
  'haolipeng_GOOSE_missing_all_data.pcap': [
    { reason: 'allData is mandatory; TShark takes a PDU without it for whole', fields: ['malformed'], frames: [1] },
  ],
  'haolipeng_GOOSE_missing_gocb_ref.pcap': [
    {
      reason:
        'gocbRef is missing; TShark looks for it past the next three fields and does not show them. Both say malformed',
      fields: ['timeAllowedToLive', 'datSet', 'goId'],
      frames: [1],
    },
  ],
  'kit_malformed_array_1.pcap': [{ reason: PRIMITIVE_ARRAY, fields: ['booleans'], frames: [1] }],
  'kit_malformed_array_3.pcap': [{ reason: PRIMITIVE_ARRAY, fields: ['booleans'], frames: [1] }],
  'kit_all_arrays.pcap': [
    {
      reason: PRIMITIVE_ARRAY,
      fields: ['malformed', 'booleans'],
      frames: [1],
    },
  ],
  'openics_malformed_first99.pcap': [
    {
      reason:
        'range codes A and C to F are reserved; TShark takes them for "no range" and what follows for another header. Both say malformed',
      fields: ['objects'],
      frames: [45, 47, 48, 49, 50, 63, 65, 66, 67, 68, 82, 84, 85, 86, 87],
    },
    {
      reason:
        'range codes 3 to 5 are start and stop; TShark reads one address and takes the rest for another header. Both say malformed',
      fields: ['objects'],
      frames: [4, 12, 21, 30, 42, 53, 57, 58, 70, 77, 89, 95, 96],
    },
  ],
}
