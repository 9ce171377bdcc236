/** Something else than traffic that two bridges tell each other over a site's channel, on a port of its own. */
export interface ChannelService {
  readonly port: number
  /** Both bridges have said hello; `send` is good until {@link down}. */
  up(send: (bytes: Uint8Array) => void): void
  down(): void
  /** Throws `DecodeError`, `AuthError`, `ProtocolError` for what the peer must not send: the channel is closed. */
  receive(bytes: Uint8Array): void
}
