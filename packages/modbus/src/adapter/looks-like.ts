import { MAX_MBAP_LENGTH, MBAP_HEADER, MIN_MBAP_LENGTH } from '../codec/limits.ts'
import { predictPduLength } from '../codec/pdu-length.ts'

/**
 * Whether the first bytes of a stream or datagram are a Modbus TCP frame: protocol identifier 0 and a public function
 * whose length, from either side, is the one in the header. A stream of zeros is not, nor is half a header.
 */
export function looksLikeModbusTcp(bytes: Uint8Array): boolean {
  if (bytes.length < MBAP_HEADER + 1) return false
  if ((bytes[2]! | bytes[3]!) !== 0) return false
  const length = (bytes[4]! << 8) | bytes[5]!
  if (length < MIN_MBAP_LENGTH || length > MAX_MBAP_LENGTH) return false
  const end = Math.min(bytes.length, 6 + length)
  const fits = (side: 'request' | 'response'): boolean => {
    const predicted = predictPduLength(side, bytes, MBAP_HEADER, end)
    return predicted > 0 && predicted === length - 1
  }
  return fits('request') || fits('response')
}
