import { LINK_HEADER, START_1, START_2, isLinkHeader } from '../codec/link-frame.ts'

/** Whether the first bytes of a stream or datagram are a link header whose check sum is right. */
export function looksLikeDnp3(bytes: Uint8Array): boolean {
  return bytes.length >= LINK_HEADER && bytes[0] === START_1 && bytes[1] === START_2 && isLinkHeader(bytes, 0)
}
