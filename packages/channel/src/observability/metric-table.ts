import type { ChannelCounters } from '../counters.ts'
import type { PoolStats } from '../pool/pool-book.ts'
import type { GuardCounters } from '../protection/guard.ts'

/*
 * The names of metrics, which do not change. Counters of channels, guards and pools each have one metric, whose value is
 * the sum over all that a ChannelMetrics knows.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** What a metric is called and means. */
export interface MetricRow {
  readonly name: string
  readonly type: MetricType
  readonly help: string
}

const PREFIX = 'gridseal_channel_'

const counter = (name: string, help: string): MetricRow => ({ name: PREFIX + name, type: 'counter', help })
const gauge = (name: string, help: string): MetricRow => ({ name: PREFIX + name, type: 'gauge', help })

/** Metrics that have labels, and the gauge of sessions. */
export const SESSION_METRICS: {
  readonly active: MetricRow
  readonly opened: MetricRow
  readonly ended: MetricRow
  readonly faults: MetricRow
  readonly handshakesFailed: MetricRow
  readonly handshakeSeconds: MetricRow
} = {
  active: gauge('sessions_active', 'Sessions that are open now.'),
  opened: counter('sessions_total', 'Sessions that were established, by role and whether they were resumed.'),
  ended: counter('sessions_ended_total', 'Sessions that ended, by kind of end.'),
  faults: counter('faults_total', 'Sessions that ended because of a fault found here, by code.'),
  handshakesFailed: counter('handshakes_failed_total', 'Handshakes that failed, by role and code.'),
  handshakeSeconds: {
    name: `${PREFIX}handshake_duration_seconds`,
    type: 'histogram',
    help: 'Time from the beginning of a handshake until it was established, by role.',
  },
}

/** {@link ChannelCounters}. */
export const COUNTER_METRICS: Readonly<Record<keyof ChannelCounters, MetricRow>> = {
  messagesSent: counter('messages_sent_total', 'Messages that were sealed and given to a connection.'),
  bytesSent: counter('bytes_sent_total', 'Bytes of messages sent, without record overhead.'),
  messagesReceived: counter('messages_received_total', 'Messages that were opened and delivered.'),
  bytesReceived: counter('bytes_received_total', 'Bytes of messages delivered, without record overhead.'),
  rekeysSent: counter('epochs_sent_total', 'Epochs that this end ended because a limit was reached.'),
  rekeysReceived: counter('epochs_received_total', 'Epochs that the peer ended.'),
  rekeysCompleted: counter('rekeys_completed_total', 'Fresh key agreements within sessions.'),
  expired: counter('messages_expired_total', 'Messages that came later than their sender allowed.'),
  refused: counter('messages_refused_total', 'Messages given to a channel that had begun to close.'),
  unread: counter('messages_unread_total', 'Messages that came while a channel closed without a subscriber.'),
}

/** {@link GuardCounters}. */
export const GUARD_METRICS: Readonly<Record<keyof GuardCounters, MetricRow>> = {
  connections: counter('guard_connections_total', 'Connections that were let in.'),
  refusedConnectionRate: counter('guard_refused_connection_rate_total', 'Refused: too many of one address a second.'),
  refusedTotalConnectionRate: counter(
    'guard_refused_total_connection_rate_total',
    'Refused: too many a second in all.',
  ),
  refusedHalfOpen: counter('guard_refused_half_open_total', 'Refused: too many unfinished handshakes of one address.'),
  refusedTotalHalfOpen: counter(
    'guard_refused_total_half_open_total',
    'Refused: too many unfinished handshakes in all.',
  ),
  refusedHandshakeRate: counter(
    'guard_refused_handshake_rate_total',
    'Hellos refused: too many of one address a second.',
  ),
  refusedTotalHandshakeRate: counter('guard_refused_total_handshake_rate_total', 'Hellos refused: too many in all.'),
  cookiesDemanded: counter('guard_cookies_demanded_total', 'Hellos that were asked for a cookie.'),
  handshakes: counter('guard_handshakes_total', 'Handshakes for which keys were agreed on.'),
  established: counter('guard_established_total', 'Handshakes that came to their end.'),
  failed: counter('guard_failed_total', 'Handshakes that failed.'),
  timedOut: counter('guard_timed_out_total', 'Handshakes that took too long.'),
}

/** {@link PoolStats}. */
export const POOL_METRICS: Readonly<Record<keyof PoolStats, MetricRow>> = {
  idle: gauge('pool_idle', 'Channels that nobody has.'),
  leased: gauge('pool_leased', 'Channels that somebody has.'),
  dialling: gauge('pool_dialling', 'Channels that are being opened.'),
  waiting: gauge('pool_waiting', 'Requests that wait for a channel.'),
  requested: counter('pool_requested_total', 'Requests for a channel.'),
  reused: counter('pool_reused_total', 'Requests that were given a channel which had been used before.'),
  dialled: counter('pool_dialled_total', 'Channels that were opened.'),
  dialFailures: counter('pool_dial_failures_total', 'Channels that could not be opened.'),
  timedOut: counter('pool_timed_out_total', 'Requests that waited too long.'),
  idleClosed: counter('pool_idle_closed_total', 'Channels closed because nobody used them.'),
  aged: counter('pool_aged_total', 'Channels closed because of their age.'),
  evicted: counter('pool_evicted_total', 'Channels closed to make room for another site.'),
  unhealthy: counter('pool_unhealthy_total', 'Channels that a check found bad.'),
  discarded: counter('pool_discarded_total', 'Channels that their users did not want to be used again.'),
  lost: counter('pool_lost_total', 'Channels that ended by themselves.'),
}
