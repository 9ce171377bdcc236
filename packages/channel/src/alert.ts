import { ProtocolError } from '@gridseal/wire'

/*
 * Alerts tell the peer that the session is over and whether it ever began, never why: the exact reason is in the
 * sender's own error. Every failure of a kind gives the same bytes.
 */

/** Alert codes. */
export const ALERT: { readonly handshakeFailed: 0x01; readonly sessionFailed: 0x02 } = {
  handshakeFailed: 0x01,
  sessionFailed: 0x02,
}

/** What the operator reads when the peer has sent an alert. */
export function alertReceived(code: number | undefined): ProtocolError {
  return new ProtocolError('channel.alert', `the peer ended the session: ${meaning(code)}; its log says why`, { code })
}

function meaning(code: number | undefined): string {
  switch (code) {
    case ALERT.handshakeFailed:
      return 'handshake refused'
    case ALERT.sessionFailed:
      return 'session failed'
    default:
      return `alert ${code ?? 'without a code'}`
  }
}
