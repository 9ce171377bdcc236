import type { Report } from '../../../test/support/bench.ts'
import { benchClients } from './client.ts'
import { benchDeadUnit, benchFleet, benchQueue } from './fleet.ts'
import { benchFraming } from './framing.ts'
import { benchServers } from './server.ts'

/** Framers and adapter; client and server beside the other packages of npm; a line with a dead unit; a fleet. */
export async function run(report: Report): Promise<void> {
  await benchFraming(report)
  await benchClients(report)
  await benchServers(report)
  await benchQueue(report)
  await benchDeadUnit(report)
  await benchFleet(report)
}
