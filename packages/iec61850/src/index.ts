// Values: MMS Data, times, qualities
export type { Data, DataKind } from './codec/mms/data.ts'
export { readAllData, readData, writeData } from './codec/mms/data.ts'
export type { WireForm } from './codec/mms/wire-form.ts'
export { bitCount, bitOf, bitText, bitsFrom } from './codec/bits.ts'
export {
  decodeUtcTime,
  encodeUtcTime,
  timeQualityOctet,
  timeQualityOf,
  utcNanoseconds,
  utcText,
  utcTimeOf,
} from './codec/utc-time.ts'
export type { TimeQuality, UtcTime } from './codec/utc-time.ts'
export {
  QUALITY_FLAGS,
  VALIDITIES,
  encodeQuality,
  encodeSampleQuality,
  qualityOf,
  sampleQualityOf,
} from './codec/quality.ts'
export type { Quality, QualityFlag, SampleQuality, Validity } from './codec/quality.ts'

// Frames: Ethernet, GOOSE, sampled values
export { etherTypeOf, formatMac, parseMac, vlanOf, vlanTag } from './codec/ethernet.ts'
export type { EthernetHeader, EthernetTag, VlanControl } from './codec/ethernet.ts'
export { ETHER_TYPE_GOOSE, ETHER_TYPE_SV, appIdOf } from './codec/process-bus/header.ts'
export type { ProcessBusFrame, ProcessBusHeader } from './codec/process-bus/header.ts'
export { decodeGooseFrame, encodeGooseFrame, examineGoose, examineRoutableGoose } from './codec/process-bus/goose.ts'
export type { ExaminedGoose, GooseFrame, GoosePdu } from './codec/process-bus/goose.ts'
export { decodeSvFrame, encodeSvFrame, examineRoutableSv, examineSv } from './codec/process-bus/sampled-values.ts'
export type { Asdu, ExaminedSv, SavPdu, SvFrame } from './codec/process-bus/sampled-values.ts'
export { PHS_MEAS_1, decodeSample, encodeSample } from './codec/process-bus/sample.ts'
export type { SampleChannel, SampledValue } from './codec/process-bus/sample.ts'

// Datagrams of R-GOOSE and R-SV
export { decodeRoutable, encodeRoutable } from './codec/routable/session.ts'
export type { RoutableElement, RoutableSession, SessionKind, SessionSecurity } from './codec/routable/session.ts'

// For the bridge
export { gooseAdapter, iec61850Adapters, svAdapter } from './adapter.ts'

// What is published when, and what a subscriber makes of it: pure
export { GoosePublication } from './session/goose/publication.ts'
export type { GooseControlBlock } from './session/goose/publication.ts'
export { GOOSE_REFUSALS, GooseSupervision } from './session/goose/supervision.ts'
export type { GooseCounters, GooseExpectation, GooseRefusal, GooseVerdict } from './session/goose/supervision.ts'
export { SvPublication } from './session/sv/publication.ts'
export type { SampledValueControlBlock } from './session/sv/publication.ts'
export { SV_REFUSALS, SvSupervision } from './session/sv/supervision.ts'
export type { SvCounters, SvExpectation, SvRefusal, SvVerdict } from './session/sv/supervision.ts'

// Stations on an interface
export type { PublisherAddress } from './station/publisher.ts'
export { GoosePublisher } from './station/goose-publisher.ts'
export type { GoosePublisherCounters } from './station/goose-publisher.ts'
export type { StationParts } from './station/subscriber.ts'
export { GooseSubscriber } from './station/goose-subscriber.ts'
export type { GooseEvent, GooseSubscriberOptions } from './station/goose-subscriber.ts'
export { SvPublisher } from './station/sv-publisher.ts'
export type { SvPublisherCounters } from './station/sv-publisher.ts'
export { SvSubscriber } from './station/sv-subscriber.ts'
export type { SvEvent, SvSubscriberOptions } from './station/sv-subscriber.ts'
