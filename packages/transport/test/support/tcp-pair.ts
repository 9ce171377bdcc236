import { connect, listen } from '@gridseal/transport'
import type { ConnectOptions, Connection, ListenOptions, Listener } from '@gridseal/transport'
import { connect as plainConnect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { nextOf } from './collect.ts'

/** Our connection and a plain socket of Node.js at its other end. */
export interface HalfPlain {
  readonly connection: Connection
  readonly socket: Socket
  close(): Promise<void>
}

/** We listen, a plain client connects. */
export async function plainClient(options: ListenOptions = {}): Promise<HalfPlain & { readonly listener: Listener }> {
  const listener = await listen('tcp://127.0.0.1:0', options)
  const socket = plainConnect({ host: '127.0.0.1', port: portOf(listener.url), allowHalfOpen: true })
  socket.on('error', () => undefined)
  const connection = (await nextOf(listener.connections)) as Connection
  return { listener, connection, socket, close: () => closeAll(connection, socket, () => listener.close()) }
}

/** A plain server listens, we connect. */
export async function plainServer(options: ConnectOptions = {}): Promise<HalfPlain> {
  const server = createServer({ allowHalfOpen: true })
  const port = await started(server)
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const connection = await connect(`tcp://127.0.0.1:${port}`, options)
  const socket = await accepted
  socket.on('error', () => undefined)
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  return { connection, socket, close: () => closeAll(connection, socket, stop) }
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}

export function started(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await started(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function closeAll(connection: Connection, socket: Socket, last: () => Promise<void>): Promise<void> {
  connection.destroy()
  socket.destroy()
  await connection.closed
  await last()
}
