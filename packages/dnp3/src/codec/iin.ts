/** The internal indications (IEEE 1815 clause 4) by their index in g80v1: IIN1.0 is 0, IIN2.7 is 15. */
export const IIN_NAMES: readonly string[] = [
  'BROADCAST',
  'CLASS_1_EVENTS',
  'CLASS_2_EVENTS',
  'CLASS_3_EVENTS',
  'NEED_TIME',
  'LOCAL_CONTROL',
  'DEVICE_TROUBLE',
  'DEVICE_RESTART',
  'NO_FUNC_CODE_SUPPORT',
  'OBJECT_UNKNOWN',
  'PARAMETER_ERROR',
  'EVENT_BUFFER_OVERFLOW',
  'ALREADY_EXECUTING',
  'CONFIG_CORRUPT',
  'IIN2_6',
  'IIN2_7',
]

/** Names of the bits that are set in IIN1 * 256 + IIN2, as a response carries them. */
export function iinNames(iin: number): string[] {
  return IIN_NAMES.filter((_, index) => (iin & (index < 8 ? 0x100 << index : 1 << (index - 8))) !== 0)
}
