import { UsageError } from './errors.ts'
import { fromHex, toHex } from './hex.ts'

/** Identifiers of VLAN tags: IEEE 802.1Q and 802.1ad, and two that were in use before. */
export const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200])
/** Identifier of an HSR tag (IEC 62439-3). */
export const HSR_TAG = 0x892f

/** The six octets of `01-0C-CD-01-00-01` or `01:0c:cd:01:00:01`. Throws `UsageError` with this code. */
export function parseMac(text: string, code: string): Uint8Array {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text)) {
    throw new UsageError(code, `"${text}" is no MAC address, such as 01-0C-CD-01-00-01`, { address: text })
  }
  return fromHex(text.replaceAll(/[:-]/g, ''))
}

/** `xx:xx:xx:xx:xx:xx`. */
export function formatMac(address: Uint8Array): string {
  return toHex(address, ':')
}
