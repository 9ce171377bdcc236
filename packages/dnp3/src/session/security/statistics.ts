/** The security statistics (g121, g122) by index: what they count, and how many make an event. */
export const SECURITY_STATISTICS: readonly { readonly name: string; readonly threshold: number }[] = [
  { name: 'unexpected messages', threshold: 3 },
  { name: 'authorization failures', threshold: 5 },
  { name: 'authentication failures', threshold: 5 },
  { name: 'reply time-outs', threshold: 3 },
  { name: 'rekeys due to authentication failure', threshold: 3 },
  { name: 'total messages sent', threshold: 100 },
  { name: 'total messages received', threshold: 100 },
  { name: 'critical messages sent', threshold: 100 },
  { name: 'critical messages received', threshold: 100 },
  { name: 'discarded messages', threshold: 10 },
  { name: 'error messages sent', threshold: 2 },
  { name: 'error messages received', threshold: 10 },
  { name: 'successful authentications', threshold: 100 },
  { name: 'session key changes', threshold: 10 },
  { name: 'failed session key changes', threshold: 5 },
  { name: 'update key changes', threshold: 1 },
  { name: 'failed update key changes', threshold: 1 },
  { name: 'rekeys due to restarts', threshold: 3 },
]

/** Their indexes by name. */
export const STATISTIC: Readonly<
  Record<
    | 'UNEXPECTED'
    | 'AUTHORIZATION_FAILURES'
    | 'AUTHENTICATION_FAILURES'
    | 'REPLY_TIMEOUTS'
    | 'REKEYS_AFTER_FAILURE'
    | 'SENT'
    | 'RECEIVED'
    | 'CRITICAL_SENT'
    | 'CRITICAL_RECEIVED'
    | 'DISCARDED'
    | 'ERRORS_SENT'
    | 'ERRORS_RECEIVED'
    | 'AUTHENTICATED'
    | 'KEY_CHANGES'
    | 'FAILED_KEY_CHANGES'
    | 'UPDATE_KEY_CHANGES'
    | 'FAILED_UPDATE_KEY_CHANGES'
    | 'REKEYS_AFTER_RESTART',
    number
  >
> = {
  UNEXPECTED: 0,
  AUTHORIZATION_FAILURES: 1,
  AUTHENTICATION_FAILURES: 2,
  REPLY_TIMEOUTS: 3,
  REKEYS_AFTER_FAILURE: 4,
  SENT: 5,
  RECEIVED: 6,
  CRITICAL_SENT: 7,
  CRITICAL_RECEIVED: 8,
  DISCARDED: 9,
  ERRORS_SENT: 10,
  ERRORS_RECEIVED: 11,
  AUTHENTICATED: 12,
  KEY_CHANGES: 13,
  FAILED_KEY_CHANGES: 14,
  UPDATE_KEY_CHANGES: 15,
  FAILED_UPDATE_KEY_CHANGES: 16,
  REKEYS_AFTER_RESTART: 17,
}
