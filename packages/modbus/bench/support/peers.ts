import { once } from 'node:events'
import { createServer, connect as connectSocket } from 'node:net'
import type { AddressInfo } from 'node:net'
import jsmodbus from 'jsmodbus'
import ModbusRTU, { ServerTCP } from 'modbus-serial'

/** A client that is connected. */
export interface PeerClient {
  /** Reads `quantity` holding registers of unit 1 from `address`. */
  read(address: number, quantity: number): Promise<ArrayLike<number>>
  close(): void
}

/** The other Modbus packages of npm. */
export interface Peer {
  readonly name: string
  connect(port: number): Promise<PeerClient>
  /** A server with unit 1, whose holding registers hold their address; returns its port. */
  serve(registers: number): Promise<number>
}

const TIMEOUT = 10_000

const modbusSerial: Peer = {
  name: 'modbus-serial',
  connect: async (port) => {
    const client = new ModbusRTU.default()
    await client.connectTCP('127.0.0.1', { port })
    client.setID(1)
    client.setTimeout(TIMEOUT)
    return {
      read: async (address, quantity) => (await client.readHoldingRegisters(address, quantity)).data,
      close: () => client.close(() => undefined),
    }
  },
  serve: async () => {
    const vector = { getHoldingRegister: (address: number): number => address & 0xffff }
    const server = new ServerTCP(vector, { host: '127.0.0.1', port: 0, unitID: 1 })
    await once(server, 'initialized')
    const { _server: listener } = server as unknown as { _server: { address(): AddressInfo } }
    return listener.address().port
  },
}

const jsModbus: Peer = {
  name: 'jsmodbus',
  connect: async (port) => {
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true })
    const client = new jsmodbus.client.TCP(socket, 1, TIMEOUT)
    await once(socket, 'connect')
    return {
      read: async (address, quantity) =>
        (await client.readHoldingRegisters(address, quantity)).response.body.valuesAsArray,
      close: () => socket.destroy(),
    }
  },
  serve: async (registers) => {
    const holding = Buffer.alloc(2 * registers)
    for (let i = 0; i < registers; i++) holding.writeUInt16BE(i & 0xffff, 2 * i)
    const listener = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    new jsmodbus.server.TCP(listener, { holding })
    return (listener.address() as AddressInfo).port
  },
}

export const PEERS: readonly Peer[] = [modbusSerial, jsModbus]
