import type { GridsealError } from '@gridseal/wire'

/*
 * Spans, by the part of OpenTelemetry's interface that is needed: a tracer of `@opentelemetry/api` is a ChannelTracer as
 * it is, and nothing of it is imported here.
 */

/** A span of `@opentelemetry/api`. */
export interface ChannelSpan {
  setAttribute(key: string, value: string | number | boolean): unknown
  recordException(error: Error): void
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** A tracer of `@opentelemetry/api`: `trace.getTracer('@gridseal/channel')`. */
export interface ChannelTracer {
  startSpan(
    name: string,
    options?: { kind?: number; attributes?: Record<string, string | number | boolean> },
  ): ChannelSpan
}

/** Names of spans, which do not change. */
export const SPAN: { readonly handshake: string; readonly rekey: string } = {
  handshake: 'gridseal.channel.handshake',
  rekey: 'gridseal.channel.rekey',
}

/** Names of attributes, which do not change. */
export const ATTRIBUTE: Readonly<Record<'role' | 'suite' | 'resumed' | 'peer' | 'asked', string>> = {
  /** `initiator` or `responder`. */
  role: 'gridseal.channel.role',
  suite: 'gridseal.channel.suite',
  resumed: 'gridseal.channel.resumed',
  /** Fingerprint of the peer's key. */
  peer: 'gridseal.channel.peer',
  /** Who has begun a rekey: `us` or `peer`. */
  asked: 'gridseal.channel.asked',
}

/** SpanKind and SpanStatusCode of OpenTelemetry. */
export const SPAN_KIND: { readonly internal: 0; readonly server: 1; readonly client: 2 } = {
  internal: 0,
  server: 1,
  client: 2,
}
const STATUS_ERROR = 2

/** Ends a span that has gone wrong. The text is that of the local log; codes only are told in the status. */
export function endWithError(span: ChannelSpan | undefined, error: GridsealError): void {
  if (span === undefined) return
  span.recordException(error)
  span.setStatus({ code: STATUS_ERROR, message: error.code })
  span.end()
}
