import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { ModbusServer } from '@gridseal/modbus'
import { UsageError } from '@gridseal/wire'
import { PEERS } from './peers.ts'

// A Modbus TCP server as a process of its own, so that a figure is for one side alone: `serve.ts NAME`. Holding register
// n holds n. It says its port, and answers `cpu` on standard input with the microseconds that it has used.

const REGISTERS = 1000

/** Answers function 3 and nothing else, from one prepared answer: what a client is measured against. */
async function serveBare(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      const answers: Buffer[] = []
      for (let at = 0; at + 12 <= chunk.length; at += 12) {
        const [address, quantity] = [chunk.readUInt16BE(at + 8), chunk.readUInt16BE(at + 10)]
        const answer = Buffer.allocUnsafe(9 + 2 * quantity)
        chunk.copy(answer, 0, at, at + 8)
        answer.writeUInt16BE(3 + 2 * quantity, 4)
        answer[8] = 2 * quantity
        for (let i = 0; i < quantity; i++) answer.writeUInt16BE((address + i) & 0xffff, 9 + 2 * i)
        answers.push(answer)
      }
      socket.write(answers.length === 1 ? answers[0]! : Buffer.concat(answers))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function serveOurs(): Promise<number> {
  const cells = Array.from({ length: REGISTERS }, (_, i) => i)
  const units = { 1: { holdingRegisters: [{ start: 0, cells }] } }
  const server = await ModbusServer.open('tcp://127.0.0.1:0', { units })
  return Number(new URL(server.url).port)
}

async function serve(name: string): Promise<number> {
  if (name === 'bare') return serveBare()
  if (name === 'gridseal') return serveOurs()
  const peer = PEERS.find((candidate) => candidate.name === name)
  if (peer === undefined) throw new UsageError('bench.server', `there is no server ${name}`)
  return peer.serve(REGISTERS)
}

console.log(await serve(process.argv[2] ?? ''))
process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage()
  console.log(user + system)
})
process.stdin.on('end', () => process.exit(0))
