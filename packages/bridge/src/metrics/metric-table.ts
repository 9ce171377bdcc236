import type { BridgeHealth } from '../health.ts'
import type { LinkCounters } from '../link/end.ts'
import type { BridgeMetric } from './metric.ts'
import {
  ofArriving,
  ofBridge,
  ofGroup,
  ofJournal,
  ofKept,
  ofKeptHere,
  ofLeaving,
  ofLink,
  ofNetwork,
  ofSite,
} from './metric.ts'

/*
 * The bridge's metrics by their names, which do not change. Labels are names of the configuration (site, link) or of
 * ours (stream, direction, reason, level, code): there are as many as the configuration says. Base units are those of
 * Prometheus: bytes and seconds.
 */

const STATUSES: readonly BridgeHealth['status'][] = ['ok', 'degraded', 'failed']

/** Zero over zero has no value. */
function ratio(above: number, below: number): number | null {
  return below === 0 ? null : above / below
}

const seconds = (milliseconds: number | null): number | null => (milliseconds === null ? null : milliseconds / 1000)

const BRIDGE: readonly BridgeMetric[] = [
  ofBridge(
    ['gauge', 'info', 'Always 1: the role of this bridge, and the algorithm of the key that signs batches.'],
    ['role', 'algorithm'],
    ({ stats: { role, algorithm } }) => [{ labels: { role, algorithm }, value: 1 }],
  ),
  ofBridge(['gauge', 'status', '1 for the status that GET /health tells, else 0.'], ['status'], ({ status }) =>
    STATUSES.map((one) => ({ labels: { status: one }, value: one === status ? 1 : 0 })),
  ),
  ofBridge(
    ['gauge', 'certificate_end_timestamp_seconds', "When this bridge's own certificate ends, since 1970-01-01 UTC."],
    [],
    ({ stats: { certificateEnds: ends } }) => (ends === undefined ? [] : [{ labels: {}, value: ends / 1000 }]),
  ),
  ofBridge(['counter', 'events_total', 'Events reported, by level and code.'], ['level', 'code'], ({ events }) =>
    events.map(({ level, code, count }) => ({ labels: { level, code }, value: count })),
  ),
]

const SITES: readonly BridgeMetric[] = [
  ofSite(['gauge', 'channel_up', 'Whether the channel to the other bridge is up.'], ({ channel }) =>
    channel === 'up' ? 1 : 0,
  ),
  ofSite(['counter', 'channel_ups_total', 'Times that a channel came up.'], ({ channels }) => channels),
  ofSite(
    ['gauge', 'delivery_latency_p50_seconds', 'From arrival at the far bridge to delivery here: median of the latest.'],
    ({ latencyMs }) => seconds(latencyMs.p50),
  ),
  ofSite(['gauge', 'delivery_latency_p99_seconds', 'The same, 99th percentile.'], ({ latencyMs }) =>
    seconds(latencyMs.p99),
  ),
]

const STREAMS: readonly BridgeMetric[] = [
  ofLeaving(
    ['counter', 'sealed_entries_total', 'Frames and connection events put into batches.'],
    ({ entries }) => entries,
  ),
  ofLeaving(['counter', 'sealed_batches_total', 'Batches sealed.'], ({ batches }) => batches),
  ofLeaving(['counter', 'sealed_bytes_total', 'Bytes of batches sealed.'], ({ bytes }) => bytes),
  ofLeaving(['counter', 'signatures_total', 'Signatures made: one for each batch.'], ({ batches }) => batches),
  ofLeaving(
    ['gauge', 'entries_per_signature', 'Frames and events that one signature covers, mean since the start.'],
    ({ entries, batches }) => ratio(entries, batches),
  ),
  ofArriving(['counter', 'opened_entries_total', 'Frames and events of batches verified.'], ({ entries }) => entries),
  ofArriving(['counter', 'opened_batches_total', 'Batches verified.'], ({ batches }) => batches),
  ofArriving(['counter', 'opened_bytes_total', 'Bytes of batches verified.'], ({ bytes }) => bytes),
  ofArriving(
    ['counter', 'refused_batches_total', 'Batches refused; nothing of them was delivered.'],
    ({ refused }) => refused,
  ),
  ofSite(['counter', 'live_logs_total', 'Logs begun for live traffic.'], ({ outgoing }) => outgoing.logs),
  ofSite(
    ['counter', 'live_resent_batches_total', 'Live batches sent again after a reconnect.'],
    ({ outgoing }) => outgoing.resent,
  ),
  ofSite(
    ['counter', 'live_abandoned_batches_total', 'Live batches given up: their masters had gone.'],
    ({ outgoing }) => outgoing.abandoned,
  ),
  ofSite(
    ['gauge', 'live_unacknowledged_batches', 'Live batches that the far side has not acknowledged.'],
    ({ outgoing }) => outgoing.unacknowledged,
  ),
  ofSite(['gauge', 'live_unacknowledged_bytes', 'Bytes of these.'], ({ outgoing }) => outgoing.unacknowledgedBytes),
  ofSite(['gauge', 'live_pending_entries', 'Live entries not sealed yet.'], ({ outgoing }) => outgoing.pending),
  ofKept(['counter', 'kept_entries_total', 'Entries to be kept that came.'], ({ entries }) => entries),
  ofKept(
    ['counter', 'kept_dropped_entries_total', 'Entries dropped because too much waits already.'],
    ({ dropped }) => dropped,
  ),
  ofKept(
    ['counter', 'kept_sent_batches_total', 'Batches of kept traffic sent, those sent again included.'],
    ({ sent }) => sent,
  ),
  ofKept(
    ['gauge', 'kept_backlog_batches', 'Batches of kept traffic that the far side has not acknowledged.'],
    ({ backlog }) => backlog,
  ),
  ofKept(
    ['gauge', 'kept_backlog_bytes', 'Bytes of kept traffic that the far side has not acknowledged.'],
    ({ backlogBytes }) => backlogBytes,
  ),
  ofKeptHere(
    ['gauge', 'kept_undelivered_batches', 'Batches of kept traffic that are here and not delivered yet.'],
    ({ backlog }) => backlog,
  ),
]

/** Policy; too old; their connection has gone; on Ethernet: another address or APPID, or seen a moment before. */
function notCarried({ denied, stale, orphaned, foreign, again }: LinkCounters): Readonly<Record<string, number>> {
  return { policy: denied, stale, orphaned, foreign, again }
}

const LINKS: readonly BridgeMetric[] = [
  ofLink(['gauge', 'link_connections', 'Local connections that are open now.'], (link) => link.connections),
  ofLink(['counter', 'link_connections_total', 'Local connections opened.'], (link) => link.opened),
  ofLink(
    ['counter', 'link_refused_connections_total', 'Local connections refused because the far side was away.'],
    (link) => link.refused,
  ),
  ofLink(
    ['counter', 'link_frames_total', 'Frames taken from the local side (in) and delivered to it (out).'],
    ({ framesIn, framesOut }) => ({ in: framesIn, out: framesOut }),
    'direction',
  ),
  ofLink(
    ['counter', 'link_bytes_total', 'Bytes of these frames.'],
    ({ bytesIn, bytesOut }) => ({ in: bytesIn, out: bytesOut }),
    'direction',
  ),
  ofLink(
    ['counter', 'link_refused_frames_total', 'Frames not carried or not delivered, by reason.'],
    notCarried,
    'reason',
  ),
  ofLink(
    ['counter', 'link_invalid_frames_total', 'Frames from the local side with a wrong check sum or header.'],
    (link) => link.invalid,
  ),
  ofLink(
    ['counter', 'link_discarded_bytes_total', 'Bytes from the local side that belonged to no frame.'],
    (link) => link.discarded,
  ),
  ofLink(
    ['counter', 'link_answered_requests_total', 'Requests answered here because the device was out of reach.'],
    (link) => link.answered,
  ),
]

const GROUPS: readonly BridgeMetric[] = [
  ofGroup(['gauge', 'group_epoch', 'Newest epoch of the group whose key is here.'], (group) => group.epoch),
  ofGroup(
    ['counter', 'group_refused_keys_total', 'Keys of the owner that were refused: one of two clocks is wrong, mostly.'],
    (group) => group.refusedKeys,
  ),
  ofGroup(['counter', 'group_sent_messages_total', 'Messages made under a MAC.'], (group) => group.sent),
  ofGroup(
    ['counter', 'group_unsent_frames_total', 'Frames not sent under a MAC: no key yet, or no room in the channel.'],
    ({ unkeyed, dropped }) => ({ unkeyed, dropped }),
    'reason',
  ),
  ofGroup(
    ['counter', 'group_received_messages_total', 'Messages whose MAC, epoch and age are right.'],
    (group) => group.received,
  ),
  ofGroup(
    ['counter', 'group_refused_messages_total', 'Messages refused, by reason.'],
    ({ forged, replayed, stale, epoch: untrusted, refused }) => ({
      forged,
      replayed,
      stale,
      untrusted,
      other: refused,
    }),
    'reason',
  ),
  ofGroup(
    ['counter', 'group_confirmed_frames_total', 'Delivered frames that a signed batch has confirmed.'],
    (group) => group.confirmed,
  ),
  ofGroup(
    ['counter', 'group_unmatched_frames_total', 'Signed frames that had not come under a MAC; not delivered.'],
    (group) => group.unmatched,
  ),
  ofGroup(
    ['counter', 'group_unsigned_frames_total', 'Frames without a signature: not sealed here, or overdue from there.'],
    ({ unsealed, unsigned }) => ({ unsealed, overdue: unsigned }),
    'reason',
  ),
]

const NETWORKS: readonly BridgeMetric[] = [
  ofNetwork(
    ['counter', 'network_frames_total', "Frames of a head-end's own network of a group, taken and delivered."],
    ({ framesIn, framesOut }) => ({ in: framesIn, out: framesOut }),
    'direction',
  ),
  ofNetwork(
    ['counter', 'network_bytes_total', 'Bytes of these frames.'],
    ({ bytesIn, bytesOut }) => ({ in: bytesIn, out: bytesOut }),
    'direction',
  ),
  ofNetwork(
    ['counter', 'network_refused_frames_total', 'Frames not carried or not delivered, by reason.'],
    notCarried,
    'reason',
  ),
]

const JOURNAL: readonly BridgeMetric[] = [
  ofJournal(['gauge', 'journal_bytes', 'Bytes in all segments of the journal.'], ({ bytes }) => bytes),
  ofJournal(['gauge', 'journal_segments', 'Segment files.'], ({ segments }) => segments),
  ofJournal(['counter', 'journal_records_total', 'Records on disk since the start.'], ({ records }) => records),
  ofJournal(
    ['counter', 'journal_writes_total', 'Groups of records written, each with one sync.'],
    (stats) => stats.groups,
  ),
  ofJournal(
    ['gauge', 'journal_waiting_bytes', 'Bytes to be written that are not on disk yet.'],
    ({ waitingBytes }) => waitingBytes,
  ),
  ofJournal(['gauge', 'journal_full', 'Whether the disk is full and appends wait.'], ({ full }) => Number(full)),
  ofJournal(
    ['counter', 'journal_removed_segments_total', 'Segments removed because of age or size.'],
    (stats) => stats.removed,
  ),
  ofJournal(['gauge', 'journal_cut_bytes', 'Bytes of a half record cut off when it was opened.'], ({ cut }) => cut),
]

export const BRIDGE_METRICS: readonly BridgeMetric[] = [
  ...BRIDGE,
  ...SITES,
  ...STREAMS,
  ...LINKS,
  ...GROUPS,
  ...NETWORKS,
  ...JOURNAL,
]
