/** Link-layer header types that the walker understands (tcpdump.org/linktypes.html). */
export const LINK_TYPE = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  /** First of the sixteen types without a fixed meaning; captures of serial Modbus RTU use USER0. */
  USER0: 147,
  USER15: 162,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const
