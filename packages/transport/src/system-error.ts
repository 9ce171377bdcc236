import { GridsealError, InternalError, ProtocolError, UsageError } from '@gridseal/wire'

interface Meaning {
  readonly reason: string
  /** What to do, or what it means, after the colon. */
  readonly text: string
  /** The operator has to change something; waiting does not help. */
  readonly usage?: true
}

/** What the operating system's codes mean when a connection is made. */
const OPENING: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: { reason: 'refused', text: 'nothing accepts connections there' },
  ETIMEDOUT: { reason: 'timeout', text: 'no answer' },
  EHOSTUNREACH: { reason: 'unreachable', text: 'no route to the host' },
  ENETUNREACH: { reason: 'unreachable', text: 'no route to the network' },
  ENOTFOUND: { reason: 'host', text: 'the name is unknown' },
  EAI_AGAIN: { reason: 'host', text: 'the name server does not answer' },
  ECONNRESET: { reason: 'reset', text: 'the peer broke it off' },
}

/** The same while it is open. */
const OPEN: Readonly<Record<string, Meaning>> = {
  ECONNRESET: { reason: 'reset', text: 'the peer broke it off' },
  EPIPE: { reason: 'reset', text: 'the peer broke it off' },
  ECONNREFUSED: { reason: 'refused', text: 'nobody listens there' },
  ETIMEDOUT: { reason: 'timeout', text: 'the peer is silent' },
  EHOSTUNREACH: { reason: 'unreachable', text: 'no route to the host' },
  ENETUNREACH: { reason: 'unreachable', text: 'no route to the network' },
}

/** The same when a listener is opened. */
const LISTENING: Readonly<Record<string, Meaning>> = {
  EADDRINUSE: { reason: 'in-use', text: 'the port is taken by another program', usage: true },
  EADDRNOTAVAIL: { reason: 'address', text: 'this machine has no such address', usage: true },
  EACCES: { reason: 'denied', text: 'not allowed; ports under 1024 need a privilege', usage: true },
  ENOTFOUND: { reason: 'address', text: 'the name is unknown', usage: true },
}

/** The same for serial ports. */
const SERIAL: Readonly<Record<string, Meaning>> = {
  ENOENT: { reason: 'absent', text: 'there is no such device' },
  ENODEV: { reason: 'absent', text: 'there is no such device' },
  ENXIO: { reason: 'absent', text: 'the device is gone' },
  EACCES: { reason: 'denied', text: 'not allowed; add this user to the group of the device', usage: true },
  EBUSY: { reason: 'busy', text: 'another program has it open' },
  ENOTTY: { reason: 'kind', text: 'that is no serial port', usage: true },
}

type Subject = 'connect' | 'connection' | 'listen' | 'serial'

const TABLES: Readonly<Record<Subject, Readonly<Record<string, Meaning>>>> = {
  connect: OPENING,
  connection: OPEN,
  listen: LISTENING,
  serial: SERIAL,
}

/** Gives an error of the operating system its stable code `transport.<subject>.<reason>`; ours pass as they are. */
export function systemError(subject: Subject, where: string, cause: unknown): GridsealError {
  if (cause instanceof GridsealError) return cause
  const errno = errnoOf(cause)
  const meaning = Object.hasOwn(TABLES[subject], errno) ? TABLES[subject][errno] : undefined
  const text = meaning?.text ?? (cause instanceof Error ? cause.message : String(cause))
  const Family = meaning?.usage === true ? UsageError : ProtocolError
  return new Family(`transport.${subject}.${meaning?.reason ?? 'failed'}`, `${where}: ${text}`, { errno, where }, cause)
}

/** Any thrown value as one of our errors. */
export function asGridsealError(error: unknown): GridsealError {
  if (error instanceof GridsealError) return error
  return new InternalError('transport.failed', error instanceof Error ? error.message : String(error), {}, error)
}

function errnoOf(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  if ('code' in cause && typeof cause.code === 'string') return cause.code
  return ''
}
